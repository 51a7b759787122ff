/*
 * vsock_parts - the socket device's insides, for the files it is made of.
 *
 *   vsock      the device: its queues, and what the host side noticed
 *   vconn      one connection: what it may do, and how it ends
 *   vconns     all of them
 *   vsocktx    what the guest sends
 *   vsockrx    what it is sent
 */
#ifndef VIRTIO_VSOCK_PARTS_H
#define VIRTIO_VSOCK_PARTS_H

#include <stdint.h>

#include "virtio/vsock.h"

/* The queues, named by the driver. */
enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT };

enum {
	HOST_CID = 2,

	OP_REQUEST = 1,
	OP_RESPONSE = 2,
	OP_RST = 3,
	OP_SHUTDOWN = 4,
	OP_RW = 5,
	OP_CREDIT_UPDATE = 6,
	OP_CREDIT_REQUEST = 7,

	/* header.flags of OP_SHUTDOWN: what the sender will no longer do */
	SHUT_RCV = 1,
	SHUT_SEND = 2,
	SHUT_BOTH = 3,

	/* header.flags of OP_RW: a message ends here. That a record of several does (2) is for nobody:
	 * unix sockets know no records. */
	SEQ_EOM = 1,

	/* vconn.todo, sent in this order */
	TODO_REQUEST = 1,
	TODO_RESPONSE = 2,
	TODO_CREDIT = 4,
	TODO_ASK = 8, /* for news of the guest's buffer */
	TODO_SHUTDOWN = 16,

	BUDGET = 256, /* packets a turn: a busy guest must not keep the loop to itself */
};

/* Section 5.10.6. */
struct header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 44, "virtio 1.2 section 5.10.6");

/* --- vsock ---------------------------------------------------------------------------------- */

/* Whether the driver has agreed to them. */
int vsock_has_messages(const struct vsock *v);

/* A fresh connection between these ports, or NULL. */
struct vconn *vsock_take(struct vsock *v, uint32_t guest_port, uint32_t host_port,
			 enum vsock_type type);

/* --- vconn ---------------------------------------------------------------------------------- */

static inline unsigned vconn_index(const struct vsock *v, const struct vconn *c)
{
	return vconns_index(&v->conns, c);
}

/* To its next state. Of one that is FREE nothing may be touched any more. */
void vconn_move(struct vsock *v, struct vconn *c, enum vconn_state to);

/* Bytes the guest has room for. */
uint32_t vconn_credit(const struct vconn *c);

int vconn_may_send_data(const struct vconn *c);

/* Bytes of the guest that the host could be given. */
static inline size_t vconn_waiting(const struct vconn *c)
{
	return c->out.len - c->ends.open;
}

/* Puts the connection in line if it has something for the guest, and asks the host side for what
 * would let it go on. */
void vconn_refresh(struct vsock *v, struct vconn *c);

/* The guest is to be sent this (TODO_...). */
void vconn_owe(struct vsock *v, struct vconn *c, uint8_t what);

/* A reset for packets between ports without a connection. */
void vconn_owe_reset(struct vsock *v, uint32_t guest_port, uint32_t host_port, uint16_t type);

/* The guest hears of it once more, then the connection is nobody's. */
void vconn_reset(struct vsock *v, struct vconn *c);

/* The host side will no longer do this (SHUT_RCV, SHUT_SEND). */
void vconn_shut(struct vsock *v, struct vconn *c, uint8_t flags);

/* The host broke off: nothing more can be written there. It may be FREE now. */
void vconn_broke(struct vsock *v, struct vconn *c);

/* The guest will send no more: a message without an end is none, and what waited for the last byte to be
 * written happens now, if it is. It may be FREE now. */
void vconn_ended(struct vsock *v, struct vconn *c);

/* len bytes of the guest's are the host's. */
void vconn_consumed(struct vsock *v, struct vconn *c, size_t len);

/* Tells the guest what of its bytes was consumed, early enough that a busy one never stops for want of
 * news. */
void vconn_tell_credit(struct vsock *v, struct vconn *c);

/* Writes to the host what can be written now. It may be FREE now. */
void vconn_flush(struct vsock *v, struct vconn *c);

/* --- vsocktx, vsockrx ----------------------------------------------------------------------- */

/* Takes what the guest sent. 1: more next turn; negative: the ring is broken. */
int vsocktx_take(struct vsock *v);

/* Sends while there is something to send and the guest has buffers. 1: more next turn; negative. */
int vsockrx_pump(struct vsock *v);

#endif
