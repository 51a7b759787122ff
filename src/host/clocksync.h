/*
 * clocksync - keeps a guest's wall clock at the host's.
 *
 * It is compared when the guest is ready, every minute, and at once when time may have jumped: the
 * host slept or its clock was set (timerfd_create(2) TFD_TIMER_CANCEL_ON_SET tells of both), the
 * agent was stopped (SIGCONT), or the vmm was (CLD_CONTINUED). Several exchanges, of which the
 * quickest counts (proto/agent.h). Within the agent's loop, and never waited for: a guest that
 * does not answer in a second is asked again later.
 */
#ifndef HOST_CLOCKSYNC_H
#define HOST_CLOCKSYNC_H

#include "host/call.h"
#include "proto/agent.h"

struct clocksync {
	struct loop *loop; /* borrowed */
	int sockets_dir;   /* borrowed */
	struct call call;
	struct timer timer; /* the next comparison; or, during one, the end of its time */
	struct watch jumps; /* owned: a timerfd that ends when the host's clock jumps; or -1 */
	int runs;	    /* a comparison is under way */
	int again;	    /* time has jumped since the latest one began */
	int jumped;	    /* it was caused by a jump: what is wrong is set, not slewed */
	unsigned exchanges;
	int64_t ahead_ns; /* of the quickest so far */
	uint64_t bound_ns;
	/* The guest was told. NULL: nobody cares. */
	void (*done)(struct clocksync *k, const struct clock_done *d);
};

#define CLOCKSYNC_NONE ((struct clocksync){ .call = CALL_NONE, .jumps = { .fd = -1 } })

/* The guest answers: compares now and from now on. */
void clocksync_start(struct clocksync *k, struct loop *l, int sockets_dir,
		     void (*done)(struct clocksync *k, const struct clock_done *d));

/* Time may have jumped. Before the start: nothing. */
void clocksync_jumped(struct clocksync *k);

void clocksync_stop(struct clocksync *k);

#endif
