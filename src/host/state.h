/*
 * state - what is true about a VM: state.json, written before the step it names.
 *
 * Written by whoever holds the VM's lock, read by anybody.
 */
#ifndef HOST_STATE_H
#define HOST_STATE_H

#include <stdint.h>

#include "base/clock.h"
#include "host/conditions.h"
#include "host/diagnosis.h"
#include "host/procid.h"
#include "host/scripts.h"
#include "host/store.h"
#include "proto/ready.h"

enum vm_state {
	VM_CREATED,
	VM_STARTING, /* the lock is the agent's; ready not yet proven */
	VM_RUNNING,
	VM_PAUSED, /* running, with its CPUs standing still */
	VM_STOPPING,
	VM_STOPPED, /* ended as asked, by a person or by the guest */
	VM_FAILED,  /* ended otherwise: reason and detail say how */
};

/* A VM that is live by its state, and whose agent has died. */
enum orphan {
	ORPHAN_NOT,
	ORPHAN_LIVES, /* its vmm runs on: the rest of the state is still true */
	ORPHAN_DIED,  /* its vmm as well: the state says how, but is not yet written down */
};

struct state {
	enum vm_state state;
	enum orphan orphan; /* not in the file: what state_settle() found */
	int ready;
	struct conditions conditions;
	struct script_reports scripts; /* of the latest boot's provision */
	char degraded[300];	       /* what is not as it should be in what runs, or "" */
	char boot[BOOT_ID_LEN + 1];	/* of the VM's latest start; "" when never started */
	char host_boot[HOST_BOOT_ROOM]; /* the host's boot in which the rest was true */
	struct procid agent, vmm;
	char sockets[PATH_ROOM];  /* folder of vsock.sock and agent.sock */
	char started[CLOCK_TEXT]; /* when the latest start was asked for */
	int64_t started_ms;	  /* the same on the host's monotonic clock */
	int64_t deadline_ms;	  /* of that start, on the same clock */
	int64_t console_from;	  /* where this boot begins in console.log */
	int fresh, tied, keep;	  /* as in struct agent_ask */
	struct procid starter;	  /* of a tied VM */
	uint32_t cpus;
	uint64_t memory_bytes;
	char reason[24];	/* of the latest end, contracts.md "Events"; or "" */
	char detail[400];	/* a sentence about it, or "" */
	char rung[8];		/* which rung of the ladder brought it about, or "none" */
	int has_status, status; /* the main process's exit code */
	struct diagnosis diagnosis; /* of an end that was a failure */
};

const char *state_name(enum vm_state s);

/* The state of this name, or -EINVAL. */
int state_of_name(const char *name);

/* Whether the condition of this name holds. */
int state_condition(const struct state *s, const char *name);

static inline int state_holds(const struct state *s, enum condition_id id)
{
	return s->conditions.list[id].value;
}

/* starting, running, paused, stopping: somebody has to be there for it. */
int state_is_live(enum vm_state s);

/* The state the end of this reason (contracts.md's words) leaves behind. */
enum vm_state state_after(const char *reason);

/* What is true now: where the lock is held, what is written; else settled. 0 or negative with *e
 * filled. */
int state_read(struct state *s, const struct vmref *v, struct err *e);

/* The same of one of many, if a look or two will do: its folder stays closed, and of *s only what a listing shows is
 * written: state, ready, started_ms, cpus, memory_bytes, reason. 1: that is true; 0: it never ran, or is damaged, or
 * nobody holds the lock of what lives by its state: it is to be read in earnest. */
int state_glance(struct state *s, const struct home *h, const char *name);

/* For whoever takes over from one that was killed, and holds the lock: what that one was just writing
 * is no more than a leftover. */
void state_sweep(const struct vmref *v);

/* For whoever holds the lock and is not the agent: what has become of a VM that is live by its
 * state. */
void state_settle(struct state *s, const struct vmref *v);

int state_write(const struct state *s, const struct vmref *v, struct err *e);

#endif
