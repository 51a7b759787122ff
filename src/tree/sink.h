/*
 * sink - where the steps of a tree go.
 *
 * Three sources make steps (tree/walk: a file system; tree/wire: a connection; tree/untar: an
 * archive) and three sinks take them (tree/make, tree/wire, tree/tar), in any pairing.
 */
#ifndef TREE_SINK_H
#define TREE_SINK_H

#include "base/err.h"
#include "proto/copy.h"

struct sink {
	/* 0; or negative with *e filled: nothing more is to be sent. What is wrong with one file
	 * only goes to the sink's report instead. */
	int (*take)(struct sink *s, const struct copy_msg *m, struct err *e);
};

enum { SINK_STEPS = FRAME_COPY_EOF - FRAME_COPY_ROOT + 1 }; /* kinds, without gaps */

/* What a source may say at all: DATA, HOLE and EOF between a file's entry and its EOF, is_in_file,
 * and nothing else there. */
int sink_is_in_order(const struct copy_msg *m, int is_in_file);
int sink_out_of_order(struct err *e); /* -EPROTO, *e saying so */

static inline int sink_take(struct sink *s, const struct copy_msg *m, struct err *e)
{
	return s->take(s, m, e);
}

#endif
