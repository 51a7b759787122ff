/*
 * stream - a connection to something the guest can reach, through its stream server (4093).
 */
#ifndef HOST_STREAM_H
#define HOST_STREAM_H

#include "host/target.h"
#include "proto/frame.h"
#include "proto/stream.h"

enum {
	STREAM_ANSWER_MAX = 1024,
	STREAM_GUEST_MS = 5000, /* beyond the request's own time: the guest is slow, not its destination */
};

/* The same in steps, for those who have a loop and a connection to the stream server. */
struct stream_answer {
	size_t have;
	uint8_t mem[FRAME_HEADER + STREAM_ANSWER_MAX];
};

/* Sends the request. 0 or a negative errno: the connection is of no use. */
int stream_ask(int fd, const struct stream_req *q);

/* 0: the connection is the destination's, and nothing behind the answer was read; -EAGAIN: wait
 * until it is readable. Else negative: with *e filled the guest refuses, in its own words and
 * errno; without, the connection is of no use. */
int stream_step(struct stream_answer *a, int fd, struct err *e);

/* A sentence for what stream_step() came to, unless the guest has said one. The error's code. */
int stream_explain(struct err *e, int rc);

/*
 * Connects; blocks at most for the request's time. A non-blocking fd, the
 * caller's, of which nothing behind the answer has been read: for tcp and unix it is the
 * destination itself. Or negative with *e filled: the guest's errno (-ECONNREFUSED, ...),
 * -ETIMEDOUT with exit status 124, -EPROTO, or what target_dial() says.
 */
int stream_open(const struct target *t, const struct stream_req *q, struct err *e);

#endif
