/*
 * descent - where we are in a tree: one descriptor, for the folder we are in, however deep.
 *
 * ".." leads back, and is believed only when it is the folder we came from; so a tree that is
 * moved under our feet is noticed, and nothing outside of it is ever touched. Memory is the names
 * that are kept of the folders on the way.
 */
#ifndef TREE_DESCENT_H
#define TREE_DESCENT_H

#include <sys/stat.h>

#include "tree/listing.h"
#include "tree/trail.h"

/* A folder we are in. */
struct descent_level {
	struct listing names; /* still to be visited */
	dev_t dev;
	ino_t ino;
	int held; /* owned: the folder outside, where ".." would lead elsewhere; else -1 */
	unsigned long mark; /* whoever descends may keep a number here */
};

struct descent {
	int dir;		      /* owned: where we are; AT_FDCWD outside */
	struct descent_level *levels; /* owned: the innermost last */
	size_t depth, room, held;
	struct trail trail; /* as a person calls it */
};

#define DESCENT_NONE ((struct descent){ .dir = AT_FDCWD })

/* The innermost folder; there must be one. */
static inline struct descent_level *descent_here(struct descent *d)
{
	return &d->levels[d->depth - 1];
}

/* Nonzero when this folder is one of those we are in: a link or a mount leads back. */
int descent_is_inside(const struct descent *d, const struct stat *st);

/* Into the folder `name`, open as fd, of which st tells; by_link: its ".." leads elsewhere. Takes
 * over fd and names, also when it fails. 0 or -ENOMEM. */
int descent_enter(struct descent *d, const char *name, int fd, const struct stat *st,
		  struct listing *names, int by_link);

/* Back to the folder outside; the very same, or -ESTALE, and nothing is certain any more. */
int descent_leave(struct descent *d);

void descent_free(struct descent *d);

#endif
