/*
 * front - one unix socket in front of all servers, in the dialect of the host's vsock.sock.
 *
 * A guest that no vmm of ours started may have no vsock. Its agent then listens on one unix
 * socket: "CONNECT port\n" picks the server, "OK port\n" says that it has the connection, and
 * what follows is the server's. So every program of the host's side works on it unchanged.
 */
#ifndef GUEST_FRONT_H
#define GUEST_FRONT_H

#include "base/end.h"
#include "base/listener.h"

enum {
	FRONT_CONNS = 64,
	FRONT_LINE = 32, /* bytes of "CONNECT port\n" at most */
	FRONT_SERVERS = 8,
};

struct front_conn {
	struct front *front; /* borrowed */
	struct end peer;     /* fd -1: the place is free */
	struct timer idle;   /* until it must have named its port */
	char line[FRONT_LINE];
	size_t have;
	struct listener *server; /* the one it named, which has no place yet; else NULL */
};

struct front {
	struct loop *loop; /* borrowed */
	struct listener listener;
	struct {
		uint32_t port;
		struct listener *server; /* borrowed */
	} servers[FRONT_SERVERS];
	size_t nservers;
	struct front_conn conns[FRONT_CONNS];
};

/* Takes over listen_fd. 0 or a negative errno. */
int front_open(struct front *f, struct loop *l, int listen_fd);

/* Connections that name this port are the server's. Before the loop runs. */
void front_add(struct front *f, uint32_t port, struct listener *server);

#endif
