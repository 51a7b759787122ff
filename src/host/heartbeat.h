/*
 * heartbeat - does the guest's exec server answer somebody from outside, now?
 *
 * Asked with a byte string of our own that has to come back. An attempt that is refused, lost, or
 * not answered in two seconds is repeated, 2 ms later at first and 200 ms at last: the deadline
 * belongs to the caller.
 */
#ifndef HOST_HEARTBEAT_H
#define HOST_HEARTBEAT_H

#include "host/backoff.h"
#include "host/call.h"
#include "host/conditions.h"

struct heartbeat {
	struct call call;
	struct timer again, silent;
	struct loop *loop;   /* borrowed */
	int sockets_dir;     /* borrowed */
	struct condition *c; /* borrowed: where the attempts are counted */
	struct backoff wait;
	void (*answered)(struct heartbeat *h);
};

#define HEARTBEAT_NONE ((struct heartbeat){ .call = CALL_NONE, .sockets_dir = -1 })

/* Calls answered() once. */
void heartbeat_start(struct heartbeat *h, struct loop *l, int sockets_dir, struct condition *c,
		     void (*answered)(struct heartbeat *h));
void heartbeat_stop(struct heartbeat *h);

#endif
