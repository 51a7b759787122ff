/*
 * launch - the starter's side of a start: the VM's folder, its agent, and the wait for proof.
 */
#ifndef HOST_LAUNCH_H
#define HOST_LAUNCH_H

#include <limits.h>
#include <signal.h>
#include <stdint.h>

#include "host/claim.h"
#include "host/leash.h"

struct launch_ask {
	const char *name;	 /* NULL: two random words */
	const struct wish *wish; /* borrowed */
	uint32_t timeout_ms;
	int tied; /* the VM is to end with us */
	int keep; /* a tied one is not removed */
	int must_be_new;
	int stages;   /* tell them on stderr as they end */
	int ready_fd; /* gets the line "ready" when it is so; 0: nobody wants it */
};

struct launch {
	const struct launch_ask *ask; /* borrowed */
	struct claim claim;
	int64_t since_ms;
	pid_t agent;
	struct leash leash;
	int sigfd;	 /* owned: INT, TERM and HUP while we wait */
	sigset_t before; /* the mask to go back to */
	int signo;	 /* the one that came */
};

#define LAUNCH_NONE \
	((struct launch){ .claim = CLAIM_NONE, .leash = LEASH_NONE, .sigfd = -1 })

/* What --ready-fd says. 0, or wrong usage with *e filled. */
int launch_ready_fd(int *fd, const char *text, struct err *e);

/* 0: an agent is on its way; 1: the VM runs already, and is ready; or negative with *e filled
 * and nothing left behind. */
int launch_start(struct launch *l, const struct launch_ask *ask, struct err *e);

/* 0 with proof, or negative with *e filled, the console's last lines having been shown. */
int launch_until_ready(struct launch *l, struct err *e);

/* Behind that: what it does without, to stderr. Nothing when it has all. */
void launch_tell_degraded(const struct launch *l);

#define LAUNCH_FOREVER UINT_MAX

/* 0: the VM has ended: l->leash.end says how. Negative with *e filled when that was
 * not so within wait_ms, or its agent did not tell. */
int launch_until_end(struct launch *l, unsigned wait_ms, struct err *e);

/* Hangs up; waits for an agent that ends with that. */
void launch_close(struct launch *l);

#endif
