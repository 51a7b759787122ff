/*
 * caller - who is connected to one of the guest's servers: his frames in, ours out, and how one
 * parts from him.
 *
 * Behind the last frame our direction is closed, and he is waited for to close his: closing over
 * bytes of his that are still on their way resets the connection, and a reset may overtake what he
 * has not read yet. How long he is waited for is the server's, CALLER_LINGER_MS as a rule.
 */
#ifndef GUEST_CALLER_H
#define GUEST_CALLER_H

#include "base/end.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum { CALLER_LINGER_MS = 2000 };

struct caller {
	struct end *end; /* borrowed: the server's, who opens and closes it */
	struct inbox in;
	struct fifo out;
	int is_leaving; /* the last frame is queued */
	int is_shut;	/* ... and has gone: our direction is closed */
};

/* Memory is the server's; frames that are longer than in_len are -EMSGSIZE. */
void caller_init(struct caller *c, struct end *end, void *in, size_t in_len, void *out,
		 size_t out_len);

/*
 * Each 0 or a negative errno, after which the connection is of no use any more. caller_send() takes
 * len as an encoder returns it: a negative one is its own result.
 */
int caller_send(struct caller *c, uint8_t type, const void *data, long len);
int caller_refuse(struct caller *c, const struct refusal *f); /* leaving with it */
int caller_flush(struct caller *c);			      /* what was not taken at once */

/* 1: something came, frame_next(&c->in) has it; 0: nothing yet; -ECONNRESET: he closed, or another
 * negative errno. */
int caller_read(struct caller *c);

/* The same, and no further than inbox_fill_frame() does. */
int caller_read_frame(struct caller *c);

/* While he is waited for: what he still sends goes nowhere. 0, or negative: he is gone. */
int caller_await_close(struct caller *c);

/* Closes our direction if it is time, and waits for what can come next. 0 or a negative errno. */
int caller_settle(struct caller *c);

#endif
