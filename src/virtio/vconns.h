/*
 * vconns - the socket device's connections: a fixed table of them, found by their ports, and the
 * line of those that have something for the guest.
 *
 * The life of a connection; only vconn_move() moves it on:
 *
 *   FREE        nobody's. -> DIALING by vsock_reserve(), -> OPEN by the guest's REQUEST
 *   DIALING     our REQUEST is out (or waits for a guest buffer). -> OPEN by RESPONSE,
 *               -> FREE by RST or vsock_timeout(); the host's bytes are not read yet
 *   OPEN        bytes flow both ways; each direction ends on its own. -> DRAINING when the guest
 *               has closed or reset, -> FREE when the host broke
 *   DRAINING    the guest is done with it (its ports may be used again): what it sent before is
 *               still to be written to the host. -> FREE when written, or when that fails
 */
#ifndef VIRTIO_VCONNS_H
#define VIRTIO_VCONNS_H

#include <stdint.h>

#include "base/fifo.h"
#include "virtio/ends.h"

enum {
	VSOCK_CONNS = 1024,
	/* What the guest may send ahead of the host, per connection: four of Linux's longest packets, or
	 * it would wait for news of the first before it sends the next. */
	VSOCK_BUF = 256 * 1024,
	/* And all a connection ever needs: those, a message for the guest, and where messages end. */
	VSOCK_MEMORY = VSOCK_BUF + VSOCK_BUF + VSOCK_BUF / 8,
	VSOCK_HASH = 256,
	VSOCK_NONE = 0xffff, /* no connection: the end of a list */
};

enum vconn_state { VCONN_FREE, VCONN_DIALING, VCONN_OPEN, VCONN_DRAINING };

enum vsock_type { VSOCK_STREAM = 1, VSOCK_SEQPACKET = 2 }; /* virtio 1.2 section 5.10.6 */

struct vconn {
	uint8_t state;		       /* enum vconn_state */
	uint8_t type;		       /* enum vsock_type */
	uint8_t todo;		       /* control packets owed to the guest, TODO_... of vsock_parts.h */
	uint8_t guest_shut, host_shut; /* flags of the SHUTDOWNs received and sent */
	uint8_t readable;	       /* the host has bytes (or its end) for the guest */
	uint8_t host_gone;	       /* the host takes no more bytes */
	uint8_t queued;		       /* in the ready list */
	uint8_t asked;		       /* for credit, since it ran out */
	uint8_t appetite;	       /* guest buffers its next read is offered, from 1 on */
	uint8_t wants_in, wants_out;   /* what host->want() was last told */
	uint32_t guest_port, host_port;
	uint32_t peer_buf, peer_fwd; /* the guest's buf_alloc and fwd_cnt, last heard */
	uint32_t tx;		     /* bytes sent to the guest */
	uint32_t rx, fwd;	     /* bytes taken from the guest; of those, written to the host */
	uint32_t fwd_told;	     /* fwd as the guest last heard it */
	uint32_t window;	     /* what the guest may send ahead, VSOCK_BUF at most */
	struct fifo out;	     /* rx - fwd bytes */
	struct ends ends;	     /* of the messages in out; all of a stream's can be sent */
	struct fifo in;		     /* the rest of a message that the guest is being sent */
	uint16_t next_hash, next_ready;
};

struct vconns {
	uint16_t free;		    /* list of free connections, by next_ready */
	uint16_t ready, ready_tail; /* the line, by next_ready */
	uint16_t hash[VSOCK_HASH];
	uint8_t *buffers; /* borrowed */
	struct vconn conn[VSOCK_CONNS];
};

/* buffers: VSOCK_CONNS * VSOCK_MEMORY bytes, zero, borrowed; pages are touched only when used. */
void vconns_init(struct vconns *t, void *buffers);

static inline unsigned vconns_index(const struct vconns *t, const struct vconn *c)
{
	return (unsigned)(c - t->conn);
}

/* The connection between these ports, or NULL. */
struct vconn *vconns_find(struct vconns *t, uint32_t guest_port, uint32_t host_port);

/* A fresh one between these ports, which must not be taken; NULL when all are in use. */
struct vconn *vconns_take(struct vconns *t, uint32_t guest_port, uint32_t host_port);

/* No longer found by its ports. */
void vconns_forget(struct vconns *t, struct vconn *c);

/* Free again; it must have been forgotten. */
void vconns_give_back(struct vconns *t, struct vconn *c);

/* At the end of the line, unless it stands there already; so none starves another. */
void vconns_enqueue(struct vconns *t, struct vconn *c);
void vconns_dequeue(struct vconns *t, struct vconn *c);

/* Takes the first out of the line; NULL when nobody waits. */
struct vconn *vconns_next(struct vconns *t);

#endif
