/*
 * keycheck - whether the SSH server at a VM's public address shows the host key it should: the one that
 * was made for it, or else those that were pinned before.
 *
 * It has the server prove its keys (ssh/scan), as `vmtool known-hosts check` does. What nobody knows a key
 * of is not bothered.
 */
#ifndef HOST_KEYCHECK_H
#define HOST_KEYCHECK_H

#include "base/loop.h"
#include "host/store.h"
#include "ssh/endpoint.h"
#include "ssh/lane.h"

enum keycheck_verdict {
	KEYCHECK_RIGHT,
	KEYCHECK_WRONG,	  /* and will be */
	KEYCHECK_UNKNOWN, /* it did not come to that; another time it may */
	KEYCHECK_FAILED,  /* nor will it */
};

struct keycheck_work;

struct keycheck {
	struct keycheck_work *work; /* owned; NULL: none is at work */
	void (*done)(struct keycheck *c, enum keycheck_verdict v, const char *why);
};

/* at: which of the endpoint's addresses has answered; NULL: of a path. All borrowed. done() is called
 * once, from the loop. 1; 0: there is nothing to check it by, and done() is not called; or negative with *e
 * filled. */
int keycheck_start(struct keycheck *c, struct loop *l, const struct vmref *v,
		   const struct endpoint *where, const struct address *at, struct err *e);

/* No-op for one that is not at work. */
void keycheck_stop(struct keycheck *c);

#endif
