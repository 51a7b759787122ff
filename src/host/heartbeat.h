/*
 * heartbeat - does the guest's exec server answer somebody from outside, now?
 *
 * Asked with a byte string of our own that has to come back. An attempt that is refused, lost, or
 * not answered in two seconds is repeated, 2 ms later at first and 200 ms at last: the deadline
 * belongs to the caller. Once it has answered it is asked every ten seconds, and has stopped when it
 * misses three in a row.
 */
#ifndef HOST_HEARTBEAT_H
#define HOST_HEARTBEAT_H

#include "host/backoff.h"
#include "host/call.h"
#include "host/conditions.h"

struct heartbeat {
	struct call call;
	struct timer again, silent;
	struct loop *loop;   /* borrowed; NULL: nobody is asked */
	int sockets_dir;     /* borrowed */
	struct condition *c; /* borrowed: where the attempts are counted while it does not answer */
	struct backoff wait;
	int beats, has_stopped;
	unsigned missed; /* in a row */
	void (*answered)(struct heartbeat *h); /* for the first time, or again */
	void (*stopped)(struct heartbeat *h, const char *why);
};

#define HEARTBEAT_NONE ((struct heartbeat){ .call = CALL_NONE, .sockets_dir = -1 })

/* Of a guest that has said hello. One that is asked already is asked as if it were new. */
void heartbeat_start(struct heartbeat *h, struct loop *l, int sockets_dir, struct condition *c);
void heartbeat_stop(struct heartbeat *h);

/* A machine that stands still is not asked, and has missed nothing when it goes on. */
void heartbeat_hold(struct heartbeat *h, int held);

#endif
