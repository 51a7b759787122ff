/*
 * listing - names of a folder, kept to be visited one after the other.
 */
#ifndef TREE_LISTING_H
#define TREE_LISTING_H

#include <stddef.h>

struct listing {
	char *text; /* owned: one block, each name with its NUL */
	size_t len, cap;
	size_t *at; /* owned: where each begins */
	size_t count, room;
	size_t next; /* of the names */
};

#define LISTING_NONE ((struct listing){ 0 })

/* 0 or -ENOMEM. */
int listing_add(struct listing *n, const char *name);

/* By their bytes; afterwards nothing is added. */
void listing_sort(struct listing *n);

/* The next name, good while the listing is; NULL: those were all. */
const char *listing_next(struct listing *n);

void listing_free(struct listing *n);

#endif
