/*
 * queue - one virtqueue, seen from the device (virtio 1.2 section 2.7).
 *
 * Reads the guest driver's bytes and believes none: indices, addresses and lengths are copied
 * once, checked, and only the copies are used. A driver that breaks the ring gets -EPROTO, after
 * which the device must stop using the queue (vdev_broken()).
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdint.h>
#include <sys/uio.h>

#include "virtio/gmem.h"
#include "virtio/ring.h"

enum {
	VQ_SIZE_MAX = 256,
	VQ_SEGS = VQ_SIZE_MAX, /* no chain is longer than the queue (section 2.7.5.3.1) */
};

struct vq {
	const struct gmem *mem;		  /* borrowed: the VM outlives its devices */
	gpa_t desc_at, avail_at, used_at; /* what the driver asked for */
	uint16_t size;			  /* a power of two */
	uint16_t vector;		  /* MSI-X table entry, VQ_NO_VECTOR for none */
	int enabled;			  /* the driver's queue_enable */
	int event_idx;			  /* VIRTIO_F_EVENT_IDX was negotiated */

	/* Frozen by vq_start(); NULL while stopped. */
	const struct ring_desc *desc;
	struct ring_avail *avail; /* only avail_event's neighbour is read: never written */
	struct ring_used *used;
	uint16_t next_avail; /* free-running, as the rings' own indices are */
	uint16_t next_used;
	uint16_t signalled; /* next_used when the driver was last asked about */
};

enum { VQ_NO_VECTOR = 0xffff };

/* One request. Every iov was bounds-checked, once, from a private copy. */
struct chain {
	uint16_t head;
	unsigned nread;	 /* iov[0..nread) the device reads */
	unsigned nwrite; /* iov[nread..nread+nwrite) the device fills */
	struct iovec iov[VQ_SEGS];
};

/* Back to what a fresh queue of at most `size` entries is. */
void vq_reset(struct vq *q, const struct gmem *m, uint16_t size);

/* Checks where the rings lie and freezes that. 0 or -EPROTO. */
int vq_start(struct vq *q);

/* 1: *c holds a request; 0: nothing waiting; -EPROTO: the driver broke the ring. */
int vq_pop(struct vq *q, struct chain *c);

/* Puts the request just popped back, untouched. */
void vq_unpop(struct vq *q);

/* Hand a request back, `written` bytes of it filled. */
void vq_push(struct vq *q, const struct chain *c, uint32_t written);

/* The same of several, which the driver sees all at once. */
void vq_push_together(struct vq *q, const struct ring_used_elem *e, unsigned count);

/* Nonzero when the driver wants to be interrupted for what was pushed since the last call. */
int vq_must_signal(struct vq *q);

/* Ask to be notified of the next request, or not to be. Nonzero from vq_listen(): one came in
 * meanwhile, which no notification will follow. */
int vq_listen(struct vq *q);
void vq_ignore(struct vq *q);

/* Bytes the device may read from, or write to, the chain. */
uint64_t chain_readable(const struct chain *c);
uint64_t chain_writable(const struct chain *c);

/* Copies len bytes out of the readable part from `skip` on; how many there were. */
size_t chain_read(const struct chain *c, size_t skip, void *out, size_t len);

/* Copies len bytes into the writable part from its start on; how many fitted. */
size_t chain_write(const struct chain *c, const void *data, size_t len);

/* The spans of [skip, skip+len) of the writable or the readable part. Their number. */
unsigned chain_writable_spans(const struct chain *c, size_t skip, size_t len, struct iovec *out);
unsigned chain_readable_spans(const struct chain *c, size_t skip, size_t len, struct iovec *out);

#endif
