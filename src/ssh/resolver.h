/*
 * resolver - the addresses of a name, found out beside a loop.
 *
 * getaddrinfo(3) takes as long as it likes and cannot be told to stop, so a thread runs it; one
 * that is no longer wanted comes to its end by itself.
 */
#ifndef SSH_RESOLVER_H
#define SSH_RESOLVER_H

#include "base/loop.h"
#include "ssh/endpoint.h"

struct resolver_job;

struct resolver {
	struct loop *loop; /* borrowed */
	struct watch done; /* borrowed fd: the job's */
	struct resolver_job *job;
	/* Once. *a is valid during the call; why: "" or the resolver's reason for there being none. */
	void (*found)(struct resolver *l, const struct addresses *a, const char *why);
};

#define RESOLVER_NONE ((struct resolver){ .done.fd = -1 })

/* 0 or a negative errno. */
int resolver_start(struct resolver *l, struct loop *loop, const struct endpoint *p,
		   void (*found)(struct resolver *l, const struct addresses *a, const char *why));

/* No-op for one that does not run. */
void resolver_stop(struct resolver *l);

#endif
