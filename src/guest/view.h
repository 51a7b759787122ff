/*
 * view - what a command sees of the guest's file system: all of it, but for paths that are only to be
 * read, or that have nothing in them.
 *
 * In a mount namespace of its own: nobody else sees a difference. What could undo it, mounting and
 * reaching into processes that see more, is taken from the command too.
 */
#ifndef GUEST_VIEW_H
#define GUEST_VIEW_H

#include "proto/exec.h"

/* The capabilities that go with it: bits, 1 << CAP_... */
uint64_t view_drops(const struct exec_req *q);

/* The path of the request that is not there, or NULL. */
const char *view_missing(const struct exec_req *q);

/* In the child, while it may still mount. 0 or an errno; async-signal-safe. */
int view_take(const struct exec_req *q);

#endif
