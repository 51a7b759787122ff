/*
 * verdict - how the VM ended: as somebody decided before, or as its vmm and its guest tell.
 *
 * The first verdict stands. What the agent decides itself (a deadline, a stop) it decides before
 * the vmm ends, so every end is told once and in one place.
 */
#ifndef HOST_VERDICT_H
#define HOST_VERDICT_H

#include "host/timeline.h"

struct agent;

struct verdict {
	const char *reason; /* contracts.md's word; NULL while there is none */
	int code;	    /* what a `start` that waited for this exits with */
	char detail[EVENT_MAX / 4];
};

/* Does nothing when there is a verdict already. */
void verdict_give(struct verdict *v, const char *reason, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The vmm has told or shown how it ended; the guest's own words may say more. */
void verdict_of_end(struct agent *a);

/* Writes the end down, tells it, and ends the agent's loop. */
void verdict_carry_out(struct agent *a);

#endif
