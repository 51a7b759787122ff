/*
 * timeline - events.jsonl: what happened to a VM, a line each (contracts.md, "Events").
 *
 * The agent writes it; the same line goes to the starter over the leash while there is one. A line
 * is there as a whole or not at all; those a full disk did not take are counted, and an event
 * called "lost" tells of them as soon as it does.
 */
#ifndef HOST_TIMELINE_H
#define HOST_TIMELINE_H

#include <stdint.h>

#include "host/diagnosis.h"
#include "host/scripts.h"
#include "host/store.h"
#include "proto/ready.h"

enum { EVENT_MAX = 4096 }; /* bytes of a line, its newline included */

extern const char timeline_file[]; /* "events.jsonl" in the VM's folder */

struct timeline {
	const char *vm, *boot; /* borrowed from the agent */
	int file;	       /* owned: events.jsonl */
	int leash;	       /* borrowed from the agent; -1 when nobody follows */
	int64_t start_ms;      /* when the start was asked for, monotonic */
	uint64_t seq;	       /* of the last event */
	char last[64];	       /* the latest stage and its state, for people; or "" */
	uint64_t lost;	       /* so many could not be kept, and nobody was told yet */
	int why;	       /* the latest of these: a negative errno */
	/* After each event: there may be more in the file; or NULL. */
	void (*kept)(struct timeline *t);
};

#define TIMELINE_NONE ((struct timeline){ .file = -1, .leash = -1 })

/* Goes on behind the last event in the file. 0 or negative with *e filled. */
int timeline_open(struct timeline *t, const struct vmref *v, const char *boot, int64_t start_ms,
		  struct err *e);
void timeline_close(struct timeline *t);

/* What the file says of this boot so far, of use to an agent that takes over. */
struct timeline_past {
	int hello;	   /* the guest had said hello */
	unsigned troubles; /* of its disks */
	uint64_t guest_ms; /* its clock shortly after its latest stage */
};

void timeline_recall(struct timeline *t, struct timeline_past *past);

/* Texts must be clean UTF-8 (host/text.h). */
void timeline_stage(struct timeline *t, const char *stage, enum stage_state state,
		    const char *detail);
void timeline_guest_stage(struct timeline *t, const char *stage, enum stage_state state,
			  const char *detail, uint64_t guest_ms);
void timeline_guest_unit(struct timeline *t, const char *unit); /* systemd's; it is active */
void timeline_script(struct timeline *t, const struct script_report *r);
void timeline_condition(struct timeline *t, const char *name, int value, const char *reason);
void timeline_ready(struct timeline *t);
void timeline_degraded(struct timeline *t, const char *reason);
/* who: "host", the VM's agent here; "guest", the one in it. what: "lost", "back". */
void timeline_agent(struct timeline *t, const char *who, const char *what);
void timeline_disk(struct timeline *t, const char *disk, const char *work, const char *error);
void timeline_pause(struct timeline *t, int paused);
void timeline_clock(struct timeline *t, const char *did, int64_t ahead_ns, uint64_t bound_ns);

/* state: "listening", once it does; "closed"; "failed". */
struct forward;
void timeline_forward(struct timeline *t, const struct forward *f, const char *state,
		      const char *detail);

struct timeline_end {
	const char *reason;	/* contracts.md's words */
	const char *detail;	/* a sentence, or "" */
	int has_status, status; /* the main process's exit code */
	int ran;		/* the guest's first instruction did run */
	const char *rung;	/* the rung of the ladder that ended it, or "none" */
	int code;		/* what a `start` that waited for this exits with */
	long long console_from; /* where this boot begins in console.log */
	struct diagnosis diagnosis;
};

void timeline_exit(struct timeline *t, const struct timeline_end *x);

#endif
