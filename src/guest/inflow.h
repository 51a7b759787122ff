/*
 * inflow - a long frame of input on its way from the connection to the command's stdin, past our
 * memory.
 *
 * Once a frame of FRAME_CHUNK bytes came, only headers are read, and the payload is moved into the
 * command's pipe by splice(2): one copy of a byte instead of two. What the pipe does not take now is
 * read and held, so that the frames behind it are never waited for.
 */
#ifndef GUEST_INFLOW_H
#define GUEST_INFLOW_H

#include "guest/session.h"
#include "proto/frame.h"

struct inflow {
	int is_expected; /* the next frame may be a long one: no byte beyond its header is read */
	uint32_t left;	 /* bytes of the frame that has begun; 0: none has */
};

/* A whole frame has come through the inbox: whether the next is worth waiting for. */
void inflow_expect(struct inflow *f, const struct session *s, const struct frame *frame);

/* The frame that has begun in the inbox. 1: it goes this way, and what of it is in the inbox has been
 * given to s; 0: it does not; or -EPROTO. */
int inflow_begin(struct inflow *f, struct inbox *in, struct session *s);

/* s NULL: nobody wants it any more. 1: the frame is through; 0: later; -ECONNRESET: the connection has
 * ended; or another negative errno. */
int inflow_go(struct inflow *f, int fd, struct session *s);

#endif
