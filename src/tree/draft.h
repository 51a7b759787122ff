/*
 * draft - a file that is being written, and becomes known under its name only when it is whole.
 *
 * It has no name at all where the file system can do that (O_TMPFILE), so that not even a killed
 * writer leaves something behind; else, and for the moment in which it replaces another, one of
 * tree/temp.
 */
#ifndef TREE_DRAFT_H
#define TREE_DRAFT_H

#include <stdint.h>

#include "tree/temp.h"

struct draft {
	int dir;	      /* borrowed: the folder it will be in */
	int fd;		      /* owned; -1 while there is none */
	int64_t at;	      /* where the next bytes go */
	char temp[TEMP_ROOM]; /* a name it has for now; or "" */
};

#define DRAFT_NONE \
	{ \
		.dir = -1, .fd = -1 \
	}

/* Each 0 or a negative errno. */
int draft_open(struct draft *d, int dir, const char *name);
int draft_write(struct draft *d, const void *data, uint64_t len);
int draft_hole(struct draft *d, uint64_t len); /* -EFBIG beyond what a file can have */

/* Whole: takes its name, the one it was opened for, from whoever has it. The draft stays open. */
int draft_name(struct draft *d, const char *name);

/* Lets go; without a name it is gone. */
void draft_close(struct draft *d);

#endif
