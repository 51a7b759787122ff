/*
 * ifup - gives the guest's network interfaces their addresses and routes.
 *
 * An interface that is not there yet is waited for: the kernel tells when one comes.
 */
#ifndef GUEST_IFUP_H
#define GUEST_IFUP_H

#include "base/err.h"
#include "base/loop.h"
#include "proto/desc.h"

struct ifup {
	struct loop *loop; /* borrowed */
	struct watch news; /* owned fd: links that come and go */
	struct timer deadline;
	unsigned wait_ms;
	const struct desc_nic *nics; /* borrowed until over */
	uint32_t nnics, is_up;	     /* is_up: a bit per interface */
	/* After ifup_begin() said 1. Once, with *e empty or a sentence. */
	void (*over)(struct ifup *u, struct err *e);
};

/* 0: all are up; 1: some are waited for, at most wait_ms; or negative with *e filled. u->over
 * must be set. */
int ifup_begin(struct ifup *u, struct loop *l, const struct desc_nic *nics, uint32_t nnics,
	       unsigned wait_ms, struct err *e);

/* lo, and with it 127.0.0.1 and ::1. 0 or negative with *e filled. */
int ifup_loopback(struct err *e);

#endif
