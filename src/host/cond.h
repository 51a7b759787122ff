/*
 * cond - what somebody waits for: NAME, or NAME=true, or NAME=false.
 *
 * A condition of contracts.md (vm_alive, agent_up, ssh_banner, boot_done, probe:NAME), or what is true
 * of the VM as a whole: ready, running, stopped, exit, exists, gone.
 */
#ifndef HOST_COND_H
#define HOST_COND_H

#include "host/history.h"
#include "host/state.h"

enum cond_kind {
	COND_CONDITION,
	COND_READY,
	COND_RUNNING,
	COND_STOPPED, /* it does not run, for whatever reason */
	COND_EXIT,    /* it did run, and has ended */
	COND_EXISTS,
	COND_GONE,
};

struct cond {
	const char *text; /* borrowed: as it was typed */
	enum cond_kind kind;
	char name[48]; /* of the condition */
	int value;
};

/* 0, or wrong usage with *e filled. */
int cond_parse(struct cond *c, const char *what, const char *text, struct err *e);

/* Whether it holds by the VM's state; s NULL: there is no such VM. For COND_EXIT that it does not
 * run is asked for alone: whoever waits knows whether it did. */
int cond_holds(const struct cond *c, const struct state *s);

/* Whether this event makes it so. */
int cond_is_met_by(const struct cond *c, const struct event *x);

/* Nonzero when the end of a VM that ran means that it will not be so any more. */
int cond_dies_with_vm(const struct cond *c);

/* For a person: what there is instead, and for how long. Returns out. */
char *cond_instead(const struct cond *c, const struct state *s, char *out, size_t cap);

#endif
