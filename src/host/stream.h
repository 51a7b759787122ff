/*
 * stream - a connection to something the guest can reach, through its stream server (4093).
 */
#ifndef HOST_STREAM_H
#define HOST_STREAM_H

#include "host/target.h"
#include "proto/stream.h"

/*
 * Connects; blocks at most for the request's time and some seconds. A non-blocking fd, the
 * caller's, of which nothing behind the answer has been read: for tcp and unix it is the
 * destination itself. Or negative with *e filled: the guest's errno (-ECONNREFUSED, ...),
 * -ETIMEDOUT with exit status 124, -EPROTO, or what target_dial() says.
 */
int stream_open(const struct target *t, const struct stream_req *q, struct err *e);

#endif
