/*
 * await - waits until something is so of a VM; woken by what happens in its folder alone.
 */
#ifndef HOST_AWAIT_H
#define HOST_AWAIT_H

#include "host/cond.h"

enum { AWAIT_CONDS_MAX = 16 };

struct await {
	const char *name;	 /* borrowed */
	const struct cond *cond; /* borrowed */
	unsigned count;
	int any;	     /* one of them is enough */
	int64_t deadline_ms; /* clock_ms(), or INT64_MAX */
	/* What was seen last: */
	struct state state;
	int is_there;
	unsigned met; /* which of them holds, when `any` was asked for */
};

/* 0: it is so. Negative with *e filled: -ENOENT: there is no such VM, which nobody waits for;
 * -ECANCELED: it ended, so that it will not be; -ETIMEDOUT. */
int await_run(struct await *a, struct err *e);

#endif
