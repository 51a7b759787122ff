/*
 * stream - what is said on port 4093: a connection from the guest to somewhere it can reach.
 *
 * The host names a destination, the guest connects, and the vsock connection becomes that one's
 * other end: plain bytes both ways, each way ended for itself. A stream whose connection closes
 * as a whole before both ways have ended was reset, and so is the connection behind it. With udp,
 * frames go on, one a datagram.
 *
 * What the host sends behind FRAME_OPEN without waiting for the answer is the destination's.
 */
#ifndef PROTO_STREAM_H
#define PROTO_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	STREAM_ADDRESS_MAX = 256,		  /* bytes, NUL included: a name has 253 at most */
	STREAM_PATH_MAX = 108,			  /* the same, of a unix socket: unix(7) */
	STREAM_TIMEOUT_MAX = 10 * 60 * 1000,	  /* ms */
	STREAM_DATAGRAM_MAX = 65507,		  /* the longest IPv4 lets through */
	STREAM_REQ_MAX = STREAM_ADDRESS_MAX + 32, /* bytes encoded */
};

enum stream_kind {
	STREAM_TCP = 1,
	STREAM_UDP = 2,
	STREAM_UNIX = 3,
};

struct stream_req {
	uint8_t kind; /* enum stream_kind */
	const char *
		address; /* a name, an IPv4 or IPv6 address (fe80::1%eth0 too); or an absolute path */
	uint16_t port;	 /* 1 to 65535; 0 for unix */
	uint32_t timeout_ms; /* to be connected, name lookup included; 1 to STREAM_TIMEOUT_MAX */
};

/* The bytes written, or -EMSGSIZE when it does not fit into room. */
long stream_req_encode(const struct stream_req *q, void *out, size_t room);

/* 0 or -EPROTO: cut, over-long, unknown kind, no port or one too many, a relative path, no time. */
int stream_req_decode(struct stream_req *q, const void *data, size_t len);

struct stream_opened {
	const char *peer; /* who is connected, for people: "127.0.0.1:22", "[::1]:22", a path */
};

long stream_opened_encode(const struct stream_opened *o, void *out, size_t room);
int stream_opened_decode(struct stream_opened *o, const void *data, size_t len);

#endif
