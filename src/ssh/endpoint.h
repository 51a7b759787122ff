/*
 * endpoint - where a server is: HOST[:PORT], unix:PATH, vsock:CID:PORT or vsock-mux:PATH:PORT.
 */
#ifndef SSH_ENDPOINT_H
#define SSH_ENDPOINT_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/path.h"

enum {
	ENDPOINT_PORT = 22,	/* where none is said */
	ENDPOINT_ADDRESSES = 8, /* of one name; those beyond are not tried */
	ENDPOINT_HOST_ROOM = 256,
	ENDPOINT_TEXT_ROOM = PATH_ROOM + 32,
};

enum endpoint_kind {
	ENDPOINT_TCP,
	ENDPOINT_UNIX,
	ENDPOINT_VSOCK, /* of the machine below us */
	ENDPOINT_MUX,	/* a socket of the CONNECT dialect (base/dial) */
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct addresses {
	unsigned count;
	struct address at[ENDPOINT_ADDRESSES];
};

struct endpoint {
	enum endpoint_kind kind;
	char host[ENDPOINT_HOST_ROOM]; /* TCP: as it was written, without brackets */
	char path[PATH_ROOM];
	uint32_t port;
	struct addresses addresses; /* none: a name that must be looked up, or only a path */
};

/* 0, or wrong usage with *e filled. Looks nothing up. */
int endpoint_parse(struct endpoint *p, const char *text, struct err *e);

/* Nonzero: its addresses are still to be found out (ssh/resolver). */
int endpoint_is_name(const struct endpoint *p);

/* Nonzero: nothing leaves this machine, and a refusal costs nobody anything. */
int endpoint_is_local(const struct endpoint *p, const struct addresses *a);

/* How one of its addresses is written; at NULL: of a path. */
void endpoint_text(char out[ENDPOINT_TEXT_ROOM], const struct endpoint *p,
		   const struct address *at);

#endif
