/*
 * iface - an interface's addresses and routes, by netlink.
 *
 * fd is of nl_open(NETLINK_ROUTE, ...), index the interface's. All return 0 or a negative errno.
 */
#ifndef GUEST_IFACE_H
#define GUEST_IFACE_H

#include <stdint.h>

#include "proto/desc.h"

#define IFACE_FOREVER 0xffffffffu

struct iface_route {
	struct desc_addr net;	  /* prefix 0: the default */
	struct desc_addr gateway; /* family 0: on the link */
	int onlink;		  /* the gateway is in no network of the interface's */
	uint8_t protocol;	  /* who says so: RTPROT_STATIC, RTPROT_DHCP */
};

int iface_up(int fd, int index);

/* Also renews the lifetime of an address that is there. */
int iface_add_addr(int fd, int index, const struct desc_addr *a, uint32_t lifetime_s);
int iface_del_addr(int fd, int index, const struct desc_addr *a);

/* Replaces the route to that network; deleting one that is not there is -ESRCH. */
int iface_add_route(int fd, int index, const struct iface_route *r);
int iface_del_route(int fd, int index, const struct iface_route *r);

/* Whether the address is in the network of `net`. */
int iface_is_in(const struct desc_addr *net, const struct desc_addr *a);

#endif
