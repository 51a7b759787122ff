/*
 * dhcp - asks for an interface's IPv4 address, and keeps it (RFC 2131, 4.4).
 *
 * Until it has one it asks by broadcast, through a packet socket: the kernel takes nothing for an
 * interface without an address. A lease is renewed by UDP from its own address. It asks as long
 * as it takes, and again when the lease has run out or was taken back. Between two questions
 * no socket is open.
 *
 * Left out: the offered address is not probed by ARP first, and none is given back at the end: a
 * server that remembers gives the next boot the same.
 */
#ifndef GUEST_DHCP_H
#define GUEST_DHCP_H

#include <net/if.h>

#include "base/loop.h"
#include "proto/dhcp.h"

enum dhcp_state {
	DHCP_INIT, /* waits until it asks anew */
	DHCP_SELECTING,
	DHCP_REQUESTING,
	DHCP_BOUND,
	DHCP_RENEWING,
	DHCP_REBINDING,
};

struct dhcp {
	struct loop *loop; /* borrowed */
	int index;
	char name[IF_NAMESIZE];
	uint8_t mac[6];
	const char *hostname; /* borrowed; "": not told */
	int has_gateway;      /* the description has a default route: no other is set */
	/* A lease was got, has other contents, or is lost: see dhcp_is_bound(). */
	void (*changed)(struct dhcp *d);
	void *owner; /* for changed() */

	enum dhcp_state state;
	struct watch ear;   /* owned fd: of the packets, or of UDP */
	struct timer timer; /* ask again; renew; the end of the lease */
	uint32_t xid;
	unsigned tries, failures; /* of this question; refusals, one behind the other */
	int64_t began_ms;	  /* this state; when it was first asked for what is held */
	int64_t asked_ms, bound_ms;
	int trouble; /* why it could not be asked: a negative errno, or 0 */
	struct dhcp_answer offer, lease;
};

/* All before `state` is set; the interface is up. Asks at once. */
void dhcp_begin(struct dhcp *d);

/* Forgets all, and leaves the kernel what it has. */
void dhcp_stop(struct dhcp *d);

/* d->lease is held, and is in the kernel. */
int dhcp_is_bound(const struct dhcp *d);

#endif
