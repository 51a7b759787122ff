/*
 * rxwindow - receive buffers that were taken off the ring and are not yet filled.
 */
#include "virtio/rxwindow.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

void rxwindow_clear(struct rxwindow *w)
{
	w->first = w->count = w->first_span = w->spans = 0;
	w->room = 0;
}

/* What is left moves to the front, when the end is near. */
static void settle(struct rxwindow *w)
{
	if (w->first + w->count == COUNT(w->buffer)) {
		memmove(w->buffer, w->buffer + w->first, w->count * sizeof(w->buffer[0]));
		w->first = 0;
	}
	if (w->first_span + w->spans + VQ_SEGS > RXWINDOW_SPANS) {
		memmove(w->span, w->span + w->first_span, w->spans * sizeof(w->span[0]));
		w->first_span = 0;
	}
}

/* 1: it is in; 0: it has to wait; -EPROTO. */
static int add(struct rxwindow *w, const struct chain *c)
{
	struct rxbuffer b = { .head = c->head };
	uint64_t room = chain_writable(c);

	if (c->nread > 0 || room == 0 || room > UINT32_MAX)
		return -EPROTO; /* not a buffer to be filled: section 5.1.6.3 */
	settle(w);
	if (w->count == COUNT(w->buffer) || w->first_span + w->spans + c->nwrite > RXWINDOW_SPANS)
		return 0;
	b.room = (uint32_t)room;
	b.spans = (uint16_t)chain_writable_spans(c, 0, room, w->span + w->first_span + w->spans);
	w->buffer[w->first + w->count++] = b;
	w->spans += b.spans;
	w->room += room;
	return 1;
}

int rxwindow_fill(struct rxwindow *w, struct vq *q, uint64_t need)
{
	struct chain c;

	while (w->room < need) {
		int rc = vq_pop(q, &c);

		if (rc <= 0)
			return rc;
		rc = add(w, &c);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			vq_unpop(q);
			return 1;
		}
	}
	return 0;
}

const struct iovec *rxwindow_spans(struct rxwindow *w, struct iovec last, unsigned *count)
{
	struct iovec *first = w->span + w->first_span;

	first[w->spans] = last;
	*count = w->spans + 1;
	return first;
}

void rxwindow_write(struct rxwindow *w, uint64_t at, const void *data, size_t len)
{
	const struct iovec *v = w->span + w->first_span;

	for (; len > 0; v++) {
		size_t part;

		if (at >= v->iov_len) {
			at -= v->iov_len;
			continue;
		}
		part = MIN(v->iov_len - at, len);
		memcpy((uint8_t *)v->iov_base + at, data, part);
		data = (const uint8_t *)data + part;
		len -= part;
		at = 0;
	}
}

unsigned rxwindow_buffers(const struct rxwindow *w, uint64_t len)
{
	unsigned n = 0;

	for (uint64_t in = 0; in < len; n++)
		in += w->buffer[w->first + n].room;
	return n;
}

void rxwindow_give(struct rxwindow *w, struct vq *q, unsigned buffers, uint64_t len)
{
	struct ring_used_elem e[VQ_SIZE_MAX];

	for (unsigned i = 0; i < buffers; i++) {
		const struct rxbuffer *b = &w->buffer[w->first + i];

		e[i] = (struct ring_used_elem){ b->head, (uint32_t)MIN(len, (uint64_t)b->room) };
		len -= e[i].len;
		w->first_span += b->spans;
		w->spans -= b->spans;
		w->room -= b->room;
	}
	w->first += buffers;
	w->count -= buffers;
	vq_push_together(q, e, buffers);
}
