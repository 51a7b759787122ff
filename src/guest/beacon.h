/*
 * beacon - tells the host how the boot goes, over one connection that the guest opens.
 *
 * The host may listen late, or restart: the connection is made again until it stands, and the
 * whole state is then told anew. What is said meanwhile is kept here, one entry per stage.
 */
#ifndef GUEST_BEACON_H
#define GUEST_BEACON_H

#include "base/end.h"
#include "base/fifo.h"
#include "proto/exec.h"
#include "proto/frame.h"
#include "proto/ready.h"

enum {
	BEACON_STAGES = 28,
	/* Everything there is to tell fits: hello, every stage, ready, exit. */
	BEACON_OUT = (BEACON_STAGES + 3) * (STAGE_NAME_MAX + STAGE_DETAIL_MAX + 32),
};

struct beacon_note {
	const char *name; /* a literal */
	uint8_t state;	  /* enum stage_state */
	int64_t ms;	  /* since the kernel began */
	char detail[STAGE_DETAIL_MAX];
};

struct beacon {
	struct loop *loop; /* borrowed */
	/* A non-blocking connection on its way, or a negative errno. */
	int (*connect)(void);
	const char *boot; /* borrowed; the boot id */
	struct end end;
	struct timer retry;	 /* until the next attempt */
	struct timer exit_timer; /* until the host must have acknowledged the exit */
	unsigned retry_ms, tries;
	int is_up;     /* connected: hello is said */
	int was_up;    /* once at least: there is a host that listens */
	int64_t up_ms; /* since when, or when last */
	struct beacon_note notes[BEACON_STAGES];
	size_t nnotes, latest;
	int is_ready;
	int has_exit; /* exit is to be told */
	struct exec_status exit;
	unsigned exit_ms; /* what the host gets to acknowledge it */
	/* The host has the exit status, or did not say so in time. NULL when nobody waits. */
	void (*exit_told)(struct beacon *b);
	struct inbox in;
	struct fifo out;
	uint8_t in_mem[FRAME_HEADER + 64], out_mem[BEACON_OUT];
};

void beacon_init(struct beacon *b, struct loop *l, int (*connect)(void));

/* Begins to connect; what was noted before is told once it stands. */
void beacon_light(struct beacon *b, const char *boot);

/* detail: "" or a sentence, copied. */
void beacon_stage(struct beacon *b, const char *name, uint8_t state, const char *detail);
void beacon_ready(struct beacon *b);

/* The stage of which something was noted last; NULL before the first. */
const struct beacon_note *beacon_latest(const struct beacon *b);

/* exit_told is called once: when the host has acknowledged, or has not within wait_ms of being
 * told. A host that was there and is gone is waited for without a limit. */
void beacon_main_exit(struct beacon *b, const struct exec_status *s, unsigned wait_ms,
		      void (*exit_told)(struct beacon *b));

#endif
