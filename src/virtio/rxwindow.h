/*
 * rxwindow - receive buffers that were taken off the ring and are not yet filled.
 *
 * How long a frame is shows only once it was read, so room for the longest has to lie ready: what
 * the frame left is for the next, and no buffer is walked twice.
 */
#ifndef VIRTIO_RXWINDOW_H
#define VIRTIO_RXWINDOW_H

#include "virtio/queue.h"

enum { RXWINDOW_SPANS = 2 * VQ_SEGS };

struct rxbuffer {
	uint16_t head;
	uint16_t spans;
	uint32_t room;
};

struct rxwindow {
	unsigned first, count; /* of buffer */
	unsigned first_span, spans;
	uint64_t room; /* of all of them */
	struct rxbuffer buffer[VQ_SIZE_MAX];
	struct iovec span[RXWINDOW_SPANS + 1]; /* and one that is the caller's */
};

void rxwindow_clear(struct rxwindow *w);

/* Takes buffers while their room is less than `need`, and there are any. 0; 1: it can hold no more of
 * them; -EPROTO: one of them is none. */
int rxwindow_fill(struct rxwindow *w, struct vq *q, uint64_t need);

/* All spans, with `last` behind them; *count of them. */
const struct iovec *rxwindow_spans(struct rxwindow *w, struct iovec last, unsigned *count);

/* Writes len bytes at a place of the window that has them. */
void rxwindow_write(struct rxwindow *w, uint64_t at, const void *data, size_t len);

/* How many buffers the first len bytes are in. */
unsigned rxwindow_buffers(const struct rxwindow *w, uint64_t len);

/* Hands so many back, with len bytes in them. */
void rxwindow_give(struct rxwindow *w, struct vq *q, unsigned buffers, uint64_t len);

#endif
