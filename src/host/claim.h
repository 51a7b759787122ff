/*
 * claim - a VM's folder found or made, and its lock ours; or the VM ready in other hands.
 */
#ifndef HOST_CLAIM_H
#define HOST_CLAIM_H

#include <stdint.h>

#include "host/config.h"

struct claim {
	/* What is wanted. */
	const char *name;	 /* borrowed; NULL: two random words */
	const struct wish *wish; /* borrowed */
	int must_be_new;
	int64_t deadline_ms; /* clock_ms(): so long others are waited for */
	/* What there is. */
	struct home home;
	struct vmref vm;
	int made; /* the folder is of our making */
};

#define CLAIM_NONE ((struct claim){ .home = HOME_NONE, .vm = VMREF_NONE })

/* Refuses all that can be refused without leaving a trace. 0 or negative with *e filled. */
int claim_check(struct claim *k, struct err *e);

/* The same, and what the VM would be: of one that is there its own vm.ini counts, too. 0 or negative with *e
 * filled. */
int claim_preview(struct claim *k, struct config *c, struct err *e);

/* 0: ours, locked; 1: it runs already as it was wished, and is ready; or negative with *e
 * filled. A start that somebody else has begun is waited for. */
int claim_take(struct claim *k, struct err *e);

/* Another has the lock: what comes of that. As claim_take(), and -EAGAIN when the VM was removed. */
int claim_follow(struct claim *k, struct err *e);

/* Whether the machine's files can be opened. 0 or negative with *e filled. */
int claim_check_files(const struct config *c, const struct home *h, struct err *e);

void claim_close(struct claim *k);

#endif
