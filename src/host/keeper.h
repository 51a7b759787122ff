/*
 * keeper - what others want from a VM's agent, and what is done when it does not answer.
 */
#ifndef HOST_KEEPER_H
#define HOST_KEEPER_H

#include "host/state.h"

struct stop_result {
	char rung[8];	/* the one that ended it: "guest", "term", "kill"; "none": by itself */
	int synced;	/* the guest confirmed that its disks are synced */
	int unanswered; /* the agent was ended too, because it did not answer */
	long long ms;
};

/* Ends a live VM and waits until its lock is free. 0 or negative with *e filled. */
int keeper_stop(struct vmref *v, const struct state *s, unsigned wait_ms, int force,
		struct stop_result *out, struct err *e);

#endif
