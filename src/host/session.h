/*
 * session - the host's end of a command in the guest: our stdin, stdout, stderr and signals, or our
 * terminal, become the command's; its exit code becomes ours.
 */
#ifndef HOST_SESSION_H
#define HOST_SESSION_H

#include "base/err.h"
#include "host/detachkeys.h"
#include "host/target.h"
#include "proto/exec.h"

struct session_how {
	/* One of both; borrowed. */
	const struct exec_req *start;
	const struct exec_attach *attach;

	struct detachkeys keys;
	int only_start;	     /* leave it as soon as it runs */
	unsigned timeout_ms; /* then TERM, then KILL; 0: never */
	/* When the connection breaks it is made again, there, until nothing came through for hold_ms;
	 * 0: never. */
	const struct target *target; /* borrowed */
	uint32_t port, hold_ms;
};

/* What there is to know besides the exit code. */
struct session_end {
	char id[EXEC_ID_MAX]; /* "" while the guest has not said it */
	int was_taken_over;   /* somebody else has attached: it runs on, and is his */
	int was_left;	      /* it runs on: detach keys, only_start, or a signal to who attached */
	uint8_t notes;	      /* enum exec_note */
};

/*
 * Runs it over fd, a non-blocking connection to an exec server, which is taken over.
 *
 * Without a terminal, INT, TERM, HUP, QUIT, USR1 and USR2 go to the command; a second INT within a
 * second gives up on it. With the terminal raw, keys are bytes, and those of the signals that
 * mean the end end us. Whoever attached only leaves.
 *
 * The exit code of contracts.md (the command's own, 128+n; 0 or 128+n when it was left); or
 * negative with *e filled, e->exit being 126, 127, 125, or 124 for timeout_ms.
 */
int session_run(int fd, const struct session_how *how, struct session_end *end, struct err *e);

#endif
