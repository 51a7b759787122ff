/*
 * filed - the guest's end of one file copy, as a process of its own.
 *
 * Files block and PID 1 must not: the agent hands the connection and the request to this child,
 * which becomes the user, copies, and ends with the connection.
 */
#ifndef GUEST_FILED_H
#define GUEST_FILED_H

#include "base/err.h"
#include "proto/copy.h"

/* 0; or negative with *e filled, the host having been told. */
int filed_put(const struct copy_req *q, struct err *e);
int filed_get(const struct copy_req *q, struct err *e);

#endif
