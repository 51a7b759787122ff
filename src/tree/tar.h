/*
 * tar - a tree as an archive: a sink that writes a POSIX pax stream.
 *
 * What ustar's fields do not hold (long names, nanoseconds, large numbers, xattrs as
 * SCHILY.xattr.*) goes into pax headers; names that do not fit get GNU's long name header too, for
 * busybox reads no other. Holes become zeros: the ways to keep them are no standard.
 */
#ifndef TREE_TAR_H
#define TREE_TAR_H

#include "tree/report.h"
#include "tree/sink.h"
#include "tree/trail.h"

struct tar {
	struct sink sink;
	int fd;				   /* borrowed: where the archive goes */
	struct report *report;		   /* borrowed */
	const struct copy_root *as;	   /* borrowed: as in struct make */
	struct trail trail;		   /* the folder we are in, from the archive's root */
	char root_name[COPY_NAME_MAX + 1]; /* "." when what is in the folder is meant */
	int has_root;			   /* the next entry is the tree's root */
	uint64_t size, left;		   /* of the file; what it still owes its header */
	int is_writing, is_over;	   /* between entry and EOF; it has more than it said */
	uint8_t *out;			   /* owned: what is not written yet */
	size_t out_len;
};

/* 0 or -ENOMEM. */
int tar_open(struct tar *t, int fd, struct report *r);

/* The archive's end. 0 or negative with *e filled. */
int tar_finish(struct tar *t, struct err *e);
void tar_close(struct tar *t);

#endif
