/*
 * leash - the starter's end of the socket between it and an agent: the agent's events come up, and are
 * told on stderr as they do; its end at our side, however we die, tells the agent that nobody waits
 * any more.
 */
#ifndef HOST_LEASH_H
#define HOST_LEASH_H

#include <stddef.h>
#include <stdint.h>

#include "host/diagnosis.h"
#include "host/timeline.h"

/* How a VM ended; reason "" while it has not. */
struct ending {
	char reason[24];
	char detail[EVENT_MAX];
	int code, ran, has_status, status;
	int64_t console_from;
	struct diagnosis diagnosis;
};

struct leash {
	int fd;	    /* owned */
	int stages; /* are told */
	size_t have;
	char line[EVENT_MAX];
	int64_t stage_ms;   /* when the stage at hand began, since the start */
	int64_t ready_ms;   /* -1 until ready */
	char degraded[300]; /* why what is ready is degraded; "" when it is not */
	struct ending end;
};

#define LEASH_NONE ((struct leash){ .fd = -1, .ready_ms = -1 })

/* Another agent's; the one before it is closed. */
void leash_hold(struct leash *l, int fd);

/* Takes what has come. 1 when there was something to read, 0 at the agent's end of it. */
int leash_read(struct leash *l);

/* The agent is told that nobody waits; it may have more to say. */
void leash_pull(struct leash *l);

/* The same, and waits until it has let go as well, whatever it says. */
void leash_drop(struct leash *l);

#endif
