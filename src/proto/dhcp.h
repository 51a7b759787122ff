/*
 * dhcp - DHCPv4 messages (RFC 2131, 2132): what a client says, and what it is answered.
 *
 * Everybody on the network may have written what is decoded here: it is checked to the last
 * length, and what would end in a file or in the kernel's tables is what they may hold.
 */
#ifndef PROTO_DHCP_H
#define PROTO_DHCP_H

#include <stddef.h>
#include <stdint.h>

#include "proto/desc.h"

enum {
	DHCP_SERVER_PORT = 67,
	DHCP_CLIENT_PORT = 68,
	DHCP_BYTES_MAX = 1472, /* of a message: what one frame of Ethernet brings in UDP */
	DHCP_PACKET_MAX = 1500,
	DHCP_ROUTES_MAX = 16,
	DHCP_DOMAIN_MAX = 253, /* bytes: RFC 1035, without the last dot */
};

#define DHCP_FOREVER 0xffffffffu /* a lease without end */

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
};

typedef uint8_t ipv4[4]; /* network order; all zero: none */

struct dhcp_query {
	uint8_t type; /* DHCP_DISCOVER, DHCP_REQUEST */
	uint32_t xid;
	uint16_t secs;
	uint8_t mac[6];
	ipv4 held;	      /* ciaddr: for a lease that is to be renewed */
	ipv4 wanted, server;  /* options 50, 54: for an offer that is accepted */
	const char *hostname; /* "": not told */
};

struct dhcp_route {
	ipv4 net, gateway; /* no gateway: on the link */
	uint8_t prefix;
};

/* What is held when an ACK came: only an OFFER and an ACK have more than the server. */
struct dhcp_answer {
	uint8_t type; /* DHCP_OFFER, DHCP_ACK, DHCP_NAK */
	uint32_t xid;
	uint8_t mac[6];
	ipv4 server; /* never none, but in a NAK */
	ipv4 addr;
	uint8_t prefix;
	uint32_t lease_s, renew_s, rebind_s; /* of the last two, neither is later than the next */
	uint32_t nroutes, ndns, nsearch;
	struct dhcp_route routes[DHCP_ROUTES_MAX];
	ipv4 dns[DESC_DNS_MAX];
	char search[DESC_SEARCH_MAX][DHCP_DOMAIN_MAX + 1]; /* letters, digits, - . _ only */
};

/* Bytes written, or -EMSGSIZE. A host name longer than 63 bytes is left out. */
long dhcp_encode(const struct dhcp_query *q, void *out, size_t room);

/* 0; -EPROTO: not an answer to a client on Ethernet, or a malformed one. Options in several parts
 * are put together (RFC 3396) and may lie in `file` and `sname`. Classless routes replace the
 * router (RFC 3442). What there is too much of, or is no domain, is left out. */
int dhcp_decode(struct dhcp_answer *a, const void *data, size_t len);

/* The message as a broadcast IP packet from nobody's address. Its length, or -EMSGSIZE. */
long dhcp_wrap(const void *message, size_t len, void *out, size_t room);

/* The message in an IP packet for a client's port: its length, with *message borrowing; or
 * -EPROTO. The UDP sum is not looked at where `unsummed`: a packet of the same machine may not
 * have it yet (packet(7), TP_STATUS_CSUMNOTREADY). */
long dhcp_unwrap(const void *packet, size_t len, int unsummed, const uint8_t **message);

#endif
