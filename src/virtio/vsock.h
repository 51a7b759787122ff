/*
 * vsock - the socket device (virtio 1.2 section 5.10): streams, and messages (SOCK_SEQPACKET), between
 * guest and host.
 *
 * It is the protocol: connections, credit, half-close, resets. It does no I/O of its own; what lies beyond
 * a connection on the host is a `struct vsock_host` (vmm/vsockd for real, an array in the unit test).
 * Everything the guest says is taken as hostile; memory is bounded by the fixed number of connections
 * and the fixed buffers of each.
 *
 * A message is what one send(2) sent, and arrives as one, or not at all: one that the guest leaves without
 * its end is dropped. One of no bytes is not carried (Linux's guests send none). A longer one than the
 * other side could ever take ends its connection, if its sender was not told before.
 */
#ifndef VIRTIO_VSOCK_H
#define VIRTIO_VSOCK_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "virtio/vconns.h"
#include "virtio/vdev.h"

enum {
	VSOCK_PACKET = 64 * 1024, /* the longest packet we send */
	VSOCK_BATCH = 32,	  /* the most packets of one read */
	VSOCK_RESETS = 64, /* answers to packets of no connection, waiting for a guest buffer */
	/* For a RESPONSE. The guest's kernel gives it as soon as it runs, or an RST: this is for one
	 * that hangs, and long, for a burst on a slow host is no hang. Callers have deadlines. */
	VSOCK_ANSWER_MS = 10000,
	VSOCK_PATIENCE_MS = 2000, /* for the RST that follows a full SHUTDOWN */
};

/* The far side of connections, by connection index. All calls are made on the loop's thread. */
struct vsock_host {
	/* The longest message that write() takes. */
	size_t message_max;
	/* The guest connects to host port `port`. 0, or a negative errno: refused. */
	int (*dial)(struct vsock_host *h, unsigned conn, uint32_t port, enum vsock_type type);
	/* The guest accepted what vsock_dial() asked for. */
	void (*accepted)(struct vsock_host *h, unsigned conn, uint32_t host_port);
	/* As writev(2) and readv(2), non-blocking: bytes, 0 at the end, or a negative errno. A write on
	 * a connection of messages is one: all of it or nothing. */
	ssize_t (*write)(struct vsock_host *h, unsigned conn, const struct iovec *iov, int n);
	ssize_t (*read)(struct vsock_host *h, unsigned conn, const struct iovec *iov, int n);
	/* The next message instead: its length, and as much of it in buf as there is room. */
	ssize_t (*receive)(struct vsock_host *h, unsigned conn, void *buf, size_t room);
	/* shutdown(2): SHUT_WR, no more will be written; SHUT_RD, no more will be read. */
	void (*shut)(struct vsock_host *h, unsigned conn, int how);
	/* Call vsock_readable() / vsock_writable() once it is. */
	void (*want)(struct vsock_host *h, unsigned conn, int in, int out);
	/* Call vsock_timeout() after ms; 0: not any more. */
	void (*after)(struct vsock_host *h, unsigned conn, unsigned ms);
	/* The connection is gone; its index may be used again at once. */
	void (*close)(struct vsock_host *h, unsigned conn);
};

struct vsock {
	struct vdev dev;
	struct vsock_host *host; /* borrowed */
	uint64_t guest_cid;	 /* also the config space: le64 */
	uint32_t next_port;	 /* of connections that the host opens */
	struct vconns conns;
	struct {
		uint32_t guest_port, host_port;
		uint16_t type;
	} reset[VSOCK_RESETS];
	unsigned resets;
	struct chain chain[VSOCK_BATCH]; /* buffers of the guest while they are being filled */
};

/* buffers: VSOCK_CONNS * VSOCK_MEMORY bytes, zero, borrowed; pages are touched only when used. */
void vsock_init(struct vsock *v, const struct gmem *m, uint64_t guest_cid, struct vsock_host *host,
		void *buffers);

/* The host side wants a connection to the guest's port. Its index, or -ENFILE; nothing is called
 * or sent for it before vsock_dial(). */
int vsock_reserve(struct vsock *v, uint32_t guest_port, enum vsock_type type);
void vsock_dial(struct vsock *v, unsigned conn);

/* What the host side noticed about a connection. */
void vsock_readable(struct vsock *v, unsigned conn);
void vsock_writable(struct vsock *v, unsigned conn);
/* The host's end is closed for writing and reading: what it sent can still be read. */
void vsock_hung_up(struct vsock *v, unsigned conn);
void vsock_timeout(struct vsock *v, unsigned conn);

/* Takes what lies in the guest's transmit queue now. Nonzero while bytes of the guest wait for
 * the host. For an orderly end: the guest may power off right after it sent its last bytes. */
int vsock_drain(struct vsock *v);

#endif
