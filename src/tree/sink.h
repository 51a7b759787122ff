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

static inline int sink_take(struct sink *s, const struct copy_msg *m, struct err *e)
{
	return s->take(s, m, e);
}

#endif
