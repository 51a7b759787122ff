/*
 * reap - the one waiter: each ended process's status goes to its owner, exactly once.
 *
 * Nobody else in the guest waits for a process that is registered here. As everything runs in
 * one loop, a process cannot be collected between its fork and its reap_add(), however soon it
 * ends: collecting happens in a later handler. Orphans that fall to PID 1 have no owner and are
 * just collected.
 */
#ifndef GUEST_REAP_H
#define GUEST_REAP_H

#include <sys/types.h>

#include "proto/exec.h"

/* Embed one per process that somebody waits for. */
struct child {
	pid_t pid; /* 0 while there is none */
	/* Called once, with pid already 0; the status is EXEC_LOST when somebody else took it. */
	void (*ended)(struct child *c, const struct exec_status *s);
	struct child *next; /* reap's */
};

struct reap {
	struct child *children; /* borrowed */
	/* No process is left below us; NULL while nobody wants to know. */
	void (*childless)(void *arg);
	void *arg;
};

/* Sees to it that the kernel keeps statuses for us. */
void reap_init(struct reap *r);

void reap_add(struct reap *r, struct child *c, pid_t pid);

/* Its status will be collected and forgotten. */
void reap_del(struct reap *r, struct child *c);

/* On SIGCHLD: collects all that have ended. */
void reap_collect(struct reap *r);

#endif
