/*
 * redial - a lost connection to a guest's server, tried again until it is there or the time is over.
 *
 * What is in between (the vmm's socket, the guest's agent) may just be restarting: the first
 * attempts follow each other closely, then at most RETRY_MAX_MS apart.
 */
#ifndef HOST_REDIAL_H
#define HOST_REDIAL_H

#include "base/end.h"
#include "host/dial.h"
#include "host/target.h"

struct redial {
	struct loop *loop;	     /* borrowed */
	const struct target *target; /* borrowed */
	uint32_t port;
	struct dial dial;
	struct end end; /* dial.fd, while an answer is waited for */
	struct timer timer;
	unsigned wait_ms;
	int64_t until_ms;
	/* The owner's, to be set by him; so is fd from then on. */
	void (*connected)(struct redial *r, int fd);
	void (*gave_up)(struct redial *r, int rc);
};

void redial_init(struct redial *r, struct loop *l);

/* Tries until until_ms (clock_ms()) or the target's end, beginning in a later turn of the loop. */
void redial_start(struct redial *r, const struct target *t, uint32_t port, int64_t until_ms);
void redial_stop(struct redial *r);

/* The connection did what it was for: the next loss is a new one, not the same that goes on. */
void redial_proven(struct redial *r);

#endif
