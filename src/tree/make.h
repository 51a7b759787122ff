/*
 * make - a tree is made in the file system: the sink at the end of a copy.
 *
 * Where it goes is cp's table (tree/place); below that every step is one name in a folder held
 * open, and no symbolic link is ever followed, whoever made it. A file is written without a name
 * and gets one when it is whole, so that at every moment a name leads to the old bytes or to the
 * new ones; on a file system without O_TMPFILE it has a name of its own meanwhile.
 *
 * The steps come from a hostile peer as well as from a friend.
 */
#ifndef TREE_MAKE_H
#define TREE_MAKE_H

#include "tree/draft.h"
#include "tree/meta.h"
#include "tree/report.h"
#include "tree/sink.h"
#include "tree/trail.h"

struct make_level;

struct make {
	struct sink sink;
	unsigned flags;		    /* enum copy_flag */
	const char *dst;	    /* borrowed: as a person typed it */
	const struct copy_root *as; /* borrowed: what the peer's root counts as; or NULL */
	struct report *report;	    /* borrowed */

	struct copy_root root; /* of the tree whose root is still to come */
	char root_name[COPY_NAME_MAX + 1];
	int has_root;

	int dir;		   /* owned: where we are; -1 outside a tree */
	int top;		   /* owned: the root folder, for further names of files */
	struct make_level *levels; /* owned */
	size_t depth, room;
	size_t held;	/* bytes of xattrs the levels keep */
	size_t skipped; /* folders we are in that are not made */
	struct trail trail;

	/* The file that is being written, between its entry and its EOF. */
	int is_writing;
	struct draft draft; /* fd -1 when the file is not to be had */
	char name[COPY_NAME_MAX + 1];
	struct meta meta;
};

/* dst: tree/place has the table. Both strings stay the caller's. */
void make_open(struct make *m, const char *dst, unsigned flags, struct report *r);

/* Lets go of what a copy that broke off has begun. */
void make_close(struct make *m);

/* The same from a signal handler, as far as there is something with a name. */
void make_abandon(const struct make *m);

#endif
