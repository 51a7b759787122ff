/*
 * vsockd - the host end of the socket device: unix sockets in Firecracker's dialect.
 *
 * Host to guest: a client connects to the listening socket and sends "CONNECT <port>\n"; when the
 * guest has accepted, "OK <host port>\n" comes back and bytes follow. Refused: closed, no text.
 * Guest to host: a connection to port P becomes one to the unix socket PATH_P.
 *
 * Messages (SOCK_SEQPACKET) have a listening socket of their own, where both lines are messages, and a
 * guest's connection for them is one of that kind to PATH_P.
 *
 * Runs on the loop's thread, under the machine's lock. Clients are local users, not trusted:
 * whoever sends nothing is dropped, and no more than DIALS_MAX are listened to at a time.
 */
#ifndef VMM_VSOCKD_H
#define VMM_VSOCKD_H

#include "base/listener.h"
#include "virtio/vsock.h"

enum {
	VSOCKD_DIALS = 64,	/* clients that have not finished their CONNECT line */
	VSOCKD_DIAL_MS = 10000, /* what one of them may take */
	VSOCKD_LINE = 32,	/* the longest CONNECT line */
};

struct vsockd;
struct vsockd_door;

/* A client on its way to being a connection. */
struct vsockd_dial {
	struct vsockd_door *door; /* borrowed */
	struct watch watch; /* owned fd; -1: the slot is free */
	struct timer late;
};

/* A connection's socket. */
struct vsockd_link {
	struct vsockd *d;   /* borrowed */
	struct watch watch; /* owned fd; -1: free */
	struct timer timer;
	uint32_t events; /* what the watch listens for; LINK_DEAF when it left the loop */
};

/* Where clients come in who want connections of one type. */
struct vsockd_door {
	struct vsockd *d; /* borrowed */
	enum vsock_type type;
	int fd; /* borrowed: closed by the process's end */
	struct listener listener;
	struct vsockd_dial dial[VSOCKD_DIALS];
};

struct vsockd {
	struct vsock_host host;
	struct vsock *vsock; /* borrowed */
	struct loop *loop;   /* borrowed */
	const char *path;    /* borrowed */
	struct vsockd_door streams, messages;
	struct vsockd_link link[VSOCK_CONNS];
};

/* The listening sockets, non-blocking; borrowed. The one of messages may be -1: no client comes for them.
 * Serves nobody before vsockd_start(). */
void vsockd_init(struct vsockd *d, struct vsock *v, struct loop *l, int streams_fd, int messages_fd,
		 const char *path);

/* 0 or a negative errno. */
int vsockd_start(struct vsockd *d);

#endif
