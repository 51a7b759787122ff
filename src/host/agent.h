/*
 * agent - one VM's keeper: opens what it needs, starts its vmm, proves it ready, tells its
 * state, ends it. One process per VM; its life is the VM's.
 */
#ifndef HOST_AGENT_H
#define HOST_AGENT_H

#include <stdint.h>

#include "base/err.h"

/* What the starter leaves behind at fixed numbers. */
enum {
	AGENT_FD_LOCK = 3,  /* the VM's lock, held */
	AGENT_FD_LEASH = 4, /* stream socket to the starter: events go up; its end means hang-up */
};

enum { STOP_MS = 10000 }; /* the time a guest gets to power off unless somebody says otherwise */

struct agent_ask {
	const char *name;
	uint32_t timeout_ms; /* for the whole start, from since_ms on */
	int64_t since_ms;    /* when the start was asked for, clock_ms() */
	int fresh; /* the VM's folder was made by this start: a start that never ran removes it */
	int tied;  /* the VM ends when the starter hangs up, also after it was ready... */
	int keep;  /* ...and is then not removed */
	int adopt; /* the VM runs already; of the rest, its state knows better... */
	int by_starter; /* ...and who started us is who started it, and still waits */
};

/* Returns when the VM has ended: 0, or negative with *e filled when it could not even say so to
 * the starter. */
int agent_run(const struct agent_ask *ask, struct err *e);

#endif
