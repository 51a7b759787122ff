/*
 * stages - a boot in the order of a table.
 *
 * Some stages run at once, before there is anybody to serve. The others may be slow, or wait, and
 * run in the loop, one a turn: no client waits for two of them. One that fails is told and left
 * behind, for a guest that answers can be helped; what needs it asks `broken`.
 */
#ifndef GUEST_STAGES_H
#define GUEST_STAGES_H

#include <stddef.h>

#include "base/err.h"
#include "base/loop.h"
#include "proto/desc.h"

struct init; /* whose boot it is: passed on as it is */

enum stage_when {
	WHEN_ALONE, /* as the only process, before there is a loop */
	WHEN_FIRST, /* before anybody is served */
	WHEN_LATE,  /* beside the serving */
};

struct stage {
	const char *name; /* a literal */
	/* 0: done. Negative with *e filled: failed. 1, of a late one only: stages_go_on() will
	 * follow. */
	int (*run)(struct init *in, struct err *e);
	enum stage_when when;			      /* the table is in this order */
	int (*is_wanted)(const struct guest_desc *g); /* NULL: always */
	int is_needed; /* what the guest is for must not run without it */
};

struct stages {
	const struct stage *table; /* borrowed */
	size_t count, next;
	struct init *in;	     /* borrowed */
	const struct guest_desc *of; /* borrowed until over() */
	struct loop *loop;	     /* borrowed */
	struct timer step;
	const char *broken; /* the first stage that is needed and failed; or NULL */
	/* enum stage_state of proto/ready.h; detail: "" or a sentence. */
	void (*told)(struct init *in, const char *name, int state, const char *detail);
	void (*over)(struct init *in); /* the last one is behind us; once, from the loop */
};

/* Runs all of them that are due `when`: not the late ones. The fields up to `loop`, and the
 * functions, are set. */
void stages_run(struct stages *s, enum stage_when when);

/* Begins with the late ones, from the loop. */
void stages_begin(struct stages *s);

/* The stage that said 1 is over: e as run() would have left it. */
void stages_go_on(struct stages *s, const struct err *e);

#endif
