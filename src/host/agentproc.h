/*
 * agentproc - an agent's process, as whoever starts it sees it.
 *
 * The leash between the two is a socket: the agent's events come up, and its end at our side,
 * however we die, tells the agent that nobody waits any more.
 */
#ifndef HOST_AGENTPROC_H
#define HOST_AGENTPROC_H

#include "host/store.h"

enum { AGENTPROC_ARGS = 8 };

struct agentproc {
	pid_t pid;
	int leash; /* owned */
};

#define AGENTPROC_NONE ((struct agentproc){ .leash = -1 })

/* `vmtool agent ARG... NAME`, whose lock passes to it. With `anew` agent.log begins anew. 0 or
 * negative with *e filled, the lock then still being ours. */
int agentproc_start(struct agentproc *p, struct vmref *vm, const char *const args[], int anew,
		    struct err *e);

#endif
