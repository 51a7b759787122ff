/*
 * untar - an archive as a tree's steps: a source that reads ustar, pax and GNU's long names.
 *
 * The archive is hostile. A member's path becomes steps below one root: slashes at its start and
 * "." are dropped, a member with ".." is reported and left out; that nothing is reached through a
 * symbolic link is the making side's care. Sizes and lengths have maximums.
 */
#ifndef TREE_UNTAR_H
#define TREE_UNTAR_H

#include "tree/report.h"
#include "tree/sink.h"

/* Reads fd to its end. 0; or negative with *e filled: it is no archive or ends too soon, or the
 * sink said no. flags: enum copy_flag. */
int untar(int fd, unsigned flags, struct sink *to, struct report *r, struct err *e);

#endif
