/*
 * trail - the folders we are in, as a path of any length.
 */
#ifndef TREE_TRAIL_H
#define TREE_TRAIL_H

#include <stddef.h>

struct trail {
	char *text; /* owned, NUL-terminated; NULL while nothing was ever pushed */
	size_t len, cap;
	size_t *outside; /* owned: the length outside each folder that was entered */
	size_t depth, room;
};

void trail_free(struct trail *t);

/* Appends "/name", or "name" to an empty trail and behind a slash. 0 or -ENOMEM. */
int trail_push(struct trail *t, const char *name);

/* Back to what trail.len was before a push. */
void trail_cut(struct trail *t, size_t len);

/* The same by turns: into a folder, 0 or -ENOMEM; and out of the one entered last. */
int trail_enter(struct trail *t, const char *name);
void trail_leave(struct trail *t);

/* As a string; never NULL. */
const char *trail_text(const struct trail *t);

#endif
