/*
 * walk - a tree of the file system as steps: the source of a copy.
 *
 * Iterative, and with one descriptor for the folder it is in, however deep: ".." leads back, and
 * is believed only when it is the folder we came from. Nothing is followed that was no symbolic
 * link a moment ago. Memory is the names of the folders on the way.
 */
#ifndef TREE_WALK_H
#define TREE_WALK_H

#include "tree/report.h"
#include "tree/sink.h"

/* The last step of a path a person typed, into out[COPY_NAME_MAX + 1]; "" where there is none
 * ("/", "..", ""). *contents is set when the path ends in "." or "..", or is "/" or "": what is
 * in the folder is meant. 0 or -ENAMETOOLONG. */
int walk_base(const char *path, char *out, int *contents);

/*
 * Everything below path into the sink, a ROOT first; flags are enum copy_flag. What cannot be
 * read is reported and left out, the path itself included: its ROOT then has no entry. 0; or
 * negative with *e filled: the sink said no, or the tree was moved under our feet.
 */
int walk(const char *path, unsigned flags, struct sink *to, struct report *r, struct err *e);

#endif
