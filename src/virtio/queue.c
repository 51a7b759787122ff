/*
 * queue - one virtqueue, seen from the device (virtio 1.2 section 2.7).
 */
#include "virtio/queue.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/util.h"

void vq_reset(struct vq *q, const struct gmem *m, uint16_t size)
{
	*q = (struct vq){ .mem = m, .size = size, .vector = VQ_NO_VECTOR };
}

int vq_start(struct vq *q)
{
	/* Each ring ends in one more u16: used_event and avail_event (sections 2.7.6, 2.7.8). */
	uint64_t desc_len = sizeof(struct ring_desc) * (uint64_t)q->size;
	uint64_t avail_len = sizeof(struct ring_avail) + 2ull * q->size + 2;
	uint64_t used_len = sizeof(struct ring_used) +
			    sizeof(struct ring_used_elem) * (uint64_t)q->size + 2;

	if (q->size == 0 || q->size > VQ_SIZE_MAX || (q->size & (q->size - 1)))
		return -EPROTO;
	if (q->desc_at % 16 || q->avail_at % 2 || q->used_at % 4)
		return -EPROTO;
	q->desc = gmem_span(q->mem, q->desc_at, desc_len);
	q->avail = gmem_span(q->mem, q->avail_at, avail_len);
	q->used = gmem_span(q->mem, q->used_at, used_len);
	if (!q->desc || !q->avail || !q->used) {
		q->desc = NULL;
		return -EPROTO;
	}
	return 0;
}

/* Adds a descriptor's buffer to the chain; -EPROTO when it is not one, or out of order. */
static int add_buffer(const struct vq *q, struct chain *c, const struct ring_desc *d)
{
	unsigned at = c->nread + c->nwrite;

	if (at == VQ_SEGS)
		return -EPROTO;
	if (d->flags & DESC_WRITE)
		c->nwrite++;
	else if (c->nwrite > 0)
		return -EPROTO; /* readable after writable: section 2.7.4.2 */
	else
		c->nread++;
	c->iov[at].iov_len = d->len;
	/* An empty buffer is legal and lies nowhere. */
	c->iov[at].iov_base = d->len ? gmem_span(q->mem, d->addr, d->len) : NULL;
	return d->len && !c->iov[at].iov_base ? -EPROTO : 0;
}

/* Follows one table from entry `at` on. An indirect descriptor met on the way comes back in
 * *indirect, and ends the walk. */
static int walk(const struct vq *q, struct chain *c, const struct ring_desc *table, uint32_t size,
		uint32_t at, struct ring_desc *indirect)
{
	for (uint32_t steps = 0; steps < size; steps++) {
		struct ring_desc d;

		if (at >= size)
			return -EPROTO;
		memcpy(&d, &table[at], sizeof(d)); /* once: the guest may change it now */
		if (d.flags & DESC_INDIRECT) {
			if (!indirect || d.flags & DESC_NEXT)
				return -EPROTO; /* nested, or continued: section 2.7.5.3.1 */
			*indirect = d;
			return 0;
		}
		if (add_buffer(q, c, &d) < 0)
			return -EPROTO;
		if (!(d.flags & DESC_NEXT))
			return 0;
		at = d.next;
	}
	return -EPROTO; /* a loop: more steps than entries */
}

static int walk_indirect(const struct vq *q, struct chain *c, const struct ring_desc *d)
{
	uint32_t entries = d->len / sizeof(struct ring_desc);
	const struct ring_desc *table;

	if (d->len % sizeof(struct ring_desc) || entries == 0 || entries > q->size)
		return -EPROTO;
	table = gmem_span(q->mem, d->addr, d->len);
	return table ? walk(q, c, table, entries, 0, NULL) : -EPROTO;
}

int vq_pop(struct vq *q, struct chain *c)
{
	struct ring_desc indirect = { 0 };
	uint16_t waiting;

	if (!q->desc)
		return 0;
	/* Acquire pairs with the driver's release of idx after it filled ring[] and the table. */
	waiting = (uint16_t)(__atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE) - q->next_avail);
	if (waiting == 0)
		return 0;
	if (waiting > q->size)
		return -EPROTO;
	c->head = __atomic_load_n(&q->avail->ring[q->next_avail % q->size], __ATOMIC_RELAXED);
	c->nread = c->nwrite = 0;
	if (walk(q, c, q->desc, q->size, c->head, &indirect) < 0)
		return -EPROTO;
	if (indirect.flags && walk_indirect(q, c, &indirect) < 0)
		return -EPROTO;
	q->next_avail++;
	return 1;
}

void vq_unpop(struct vq *q)
{
	q->next_avail--;
}

void vq_push_together(struct vq *q, const struct ring_used_elem *e, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		q->used->ring[(uint16_t)(q->next_used + i) % q->size] = e[i];
	q->next_used = (uint16_t)(q->next_used + count);
	/* Release: whoever sees the new idx sees the elements and the buffers. */
	__atomic_store_n(&q->used->idx, q->next_used, __ATOMIC_RELEASE);
}

void vq_push(struct vq *q, const struct chain *c, uint32_t written)
{
	const struct ring_used_elem e = { c->head, written };

	vq_push_together(q, &e, 1);
}

/* Did idx pass `event` on its way from old to new? (section 2.7.7.2, wrapping) */
static int passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

int vq_must_signal(struct vq *q)
{
	uint16_t old = q->signalled;
	uint16_t event;

	if (!q->desc || old == q->next_used)
		return 0;
	q->signalled = q->next_used;
	/* The store of used.idx must be visible before used_event (or flags) is read: the driver
	 * writes that, then looks at used.idx again. Pairs with its virtio_mb(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(__atomic_load_n(&q->avail->flags, __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT);
	event = __atomic_load_n(&q->avail->ring[q->size], __ATOMIC_RELAXED);
	return passed(event, q->next_used, old);
}

static uint16_t *avail_event(struct vq *q)
{
	return (uint16_t *)(void *)&q->used->ring[q->size];
}

int vq_listen(struct vq *q)
{
	if (!q->desc)
		return 0;
	if (q->event_idx)
		__atomic_store_n(avail_event(q), q->next_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&q->used->flags, 0, __ATOMIC_RELAXED);
	/* Our wish must be visible before avail.idx is read again; pairs with the driver's
	 * barrier between its store of avail.idx and its look at avail_event or flags. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&q->avail->idx, __ATOMIC_RELAXED) != q->next_avail;
}

void vq_ignore(struct vq *q)
{
	/* With event indices an old avail_event is as good: it is passed only once. */
	if (q->desc && !q->event_idx)
		__atomic_store_n(&q->used->flags, USED_NO_NOTIFY, __ATOMIC_RELAXED);
}

static uint64_t total(const struct iovec *iov, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

uint64_t chain_readable(const struct chain *c)
{
	return total(c->iov, c->nread);
}

uint64_t chain_writable(const struct chain *c)
{
	return total(c->iov + c->nread, c->nwrite);
}

static unsigned cut(const struct iovec *iov, unsigned count, size_t skip, size_t len,
		    struct iovec *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count && len > 0; i++) {
		size_t part;

		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		part = MIN(iov[i].iov_len - skip, len);
		out[n++] = (struct iovec){ (uint8_t *)iov[i].iov_base + skip, part };
		len -= part;
		skip = 0;
	}
	return n;
}

unsigned chain_writable_spans(const struct chain *c, size_t skip, size_t len, struct iovec *out)
{
	return cut(c->iov + c->nread, c->nwrite, skip, len, out);
}

unsigned chain_readable_spans(const struct chain *c, size_t skip, size_t len, struct iovec *out)
{
	return cut(c->iov, c->nread, skip, len, out);
}

size_t chain_read(const struct chain *c, size_t skip, void *out, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < c->nread && done < len; i++) {
		const struct iovec *v = &c->iov[i];
		size_t part;

		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		part = MIN(v->iov_len - skip, len - done);
		memcpy((uint8_t *)out + done, (const uint8_t *)v->iov_base + skip, part);
		done += part;
		skip = 0;
	}
	return done;
}

size_t chain_write(const struct chain *c, const void *data, size_t len)
{
	const struct iovec *v = c->iov + c->nread;
	size_t done = 0;

	for (unsigned i = 0; i < c->nwrite && done < len; i++) {
		size_t part = MIN(v[i].iov_len, len - done);

		if (part > 0) /* an empty buffer lies nowhere */
			memcpy(v[i].iov_base, (const uint8_t *)data + done, part);
		done += part;
	}
	return done;
}
