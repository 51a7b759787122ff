/*
 * ifup - gives the guest's network interfaces their addresses and routes.
 *
 * An interface that is not there yet is waited for: the kernel tells when one comes. One with
 * dhcp is waited for until it has a lease; its client stays when that took too long, and for as
 * long as the guest lives.
 */
#ifndef GUEST_IFUP_H
#define GUEST_IFUP_H

#include "base/err.h"
#include "base/loop.h"
#include "guest/dhcp.h"
#include "proto/desc.h"

struct ifup {
	struct loop *loop; /* borrowed */
	struct watch news; /* owned fd: links that come and go */
	struct timer deadline;
	unsigned wait_ms, lease_ms;  /* for interfaces; then for leases */
	const char *hostname;	     /* borrowed; for DHCP, "": not told */
	const struct desc_nic *nics; /* borrowed until over */
	uint32_t nnics, is_up, asks; /* the last two: a bit per interface */
	int has_interfaces;	     /* all of them are up: only leases can be missing */
	int awaits_leases;
	struct dhcp dhcp[DESC_NICS_MAX]; /* those that `asks` names */
	/* After ifup_begin() said 1. Once, with *e empty or a sentence. */
	void (*over)(struct ifup *u, struct err *e);
	/* A lease came, changed or was lost; before and after over(). NULL: nobody cares. */
	void (*leased)(struct ifup *u, const struct dhcp *d);
};

/* 0: all are up; 1: some are waited for, at most wait_ms, and lease_ms behind that; or negative
 * with *e filled. over, leased, lease_ms and hostname must be set. */
int ifup_begin(struct ifup *u, struct loop *l, const struct desc_nic *nics, uint32_t nnics,
	       unsigned wait_ms, struct err *e);

/* lo, and with it 127.0.0.1 and ::1. 0 or negative with *e filled. */
int ifup_loopback(struct err *e);

/* An interface that asks has no lease. */
int ifup_lacks_lease(const struct ifup *u);

/* Ends the waiting and the clients; the kernel keeps what it has. */
void ifup_close(struct ifup *u);

#endif
