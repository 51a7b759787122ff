/*
 * ends - where the messages in a byte queue end: a bit for each of its bytes, set for a message's last.
 *
 * So messages of one byte take no more room than those of thousands, and whoever fills the queue
 * fills no more than it. Those of none leave no trace.
 */
#ifndef VIRTIO_ENDS_H
#define VIRTIO_ENDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/fifo.h"

struct ends {
	uint64_t *bit; /* borrowed: one for each byte of the fifo's room, whose size is a multiple of 64 */
	size_t open;   /* bytes at the fifo's end that belong to no whole message yet */
};

/* bits: room / 8 bytes, all zero. */
static inline void ends_init(struct ends *e, void *bits)
{
	*e = (struct ends){ .bit = bits };
}

/* len bytes more were put into the fifo. */
static inline void ends_grew(struct ends *e, size_t len)
{
	e->open += len;
}

/* The message ends with the last byte that was put in. */
void ends_mark(struct ends *e, const struct fifo *f);

/* The length of the oldest message; 0: none is whole. */
size_t ends_first(const struct ends *e, const struct fifo *f);

/* Forgets the oldest message. */
void ends_drop_first(struct ends *e, struct fifo *f);

/* Forgets the beginning of a message that will have no end; how many bytes that was. */
size_t ends_drop_open(struct ends *e, struct fifo *f);

/* Forgets all there is. */
void ends_drop_all(struct ends *e, struct fifo *f);

#endif
