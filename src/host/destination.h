/*
 * destination - where in a guest a connection is to lead.
 *
 * tcp, udp and unix are the stream server's to reach (proto/stream.h); vsock is a port of the
 * guest's own, for guests without our agent.
 */
#ifndef HOST_DESTINATION_H
#define HOST_DESTINATION_H

#include "base/err.h"
#include "proto/stream.h"

enum destination_kind {
	TO_TCP = STREAM_TCP,
	TO_UDP = STREAM_UDP,
	TO_UNIX = STREAM_UNIX,
	TO_VSOCK,
};

struct destination {
	enum destination_kind kind;
	uint32_t port;			  /* 0 of unix */
	char address[STREAM_ADDRESS_MAX]; /* a name, an address, a path; "" of vsock */
};

enum { DESTINATION_TEXT = STREAM_ADDRESS_MAX + 16 };

/* "localhost:80", "[::1]:80", "unix:/run/x.sock", "vsock:22". Returns out. */
char *destination_text(char out[DESTINATION_TEXT], const struct destination *d);

#endif
