/*
 * passt - the program that is a guest's network without privileges, at the other end of a socket.
 *
 * One that we start serves this machine alone: it ends with the last descriptor of the socket, which is
 * the machine's. It needs no watching, and outlives the agent as the machine does.
 */
#ifndef HOST_PASST_H
#define HOST_PASST_H

#include <stddef.h>

#include "base/err.h"

/* To one that listens there. A non-blocking descriptor, or negative with *e filled. */
int passt_connect(const char *path, struct err *e);

/* Starts the one on PATH. The same. */
int passt_start(struct err *e);

/* Where on PATH it is. 0 or negative with *e filled. */
int passt_find(char *out, size_t cap, struct err *e);

#endif
