/*
 * trail - the folders we are in, as a path of any length.
 */
#ifndef TREE_TRAIL_H
#define TREE_TRAIL_H

#include <stddef.h>

struct trail {
	char *text; /* owned, NUL-terminated; NULL while nothing was ever pushed */
	size_t len, cap;
};

void trail_free(struct trail *t);

/* Appends "/name", or "name" to an empty trail and behind a slash. 0 or -ENOMEM. */
int trail_push(struct trail *t, const char *name);

/* Back to what trail.len was before a push. */
void trail_cut(struct trail *t, size_t len);

/* As a string; never NULL. */
const char *trail_text(const struct trail *t);

#endif
