/*
 * A split ring out of guest memory that is all noise: whatever a request that was accepted
 * points at must be RAM, and nothing but the used ring may change.
 *
 * Input: 1 byte of size and event_idx, 3 u16 of ring places (in units of their alignment, so
 * that most are good), 1 byte of steps; the rest is RAM.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "virtio/queue.h"

enum { HEAD = 8, LOW = 4096, HIGH = 1024, HIGH_AT = 8192, MOST_STEPS = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gmem *mem_of(const uint8_t *data, size_t size)
{
	static _Alignas(16) uint8_t low[LOW], high[HIGH];
	static const struct gmem mem = { { { 0, LOW, low }, { HIGH_AT, HIGH, high } } };

	memset(low, 0, LOW);
	memset(high, 0, HIGH);
	memcpy(low, data, MIN(size, (size_t)LOW));
	if (size > LOW)
		memcpy(high, data + LOW, MIN(size - LOW, (size_t)HIGH));
	return &mem;
}

static int is_ram(const struct gmem *m, const struct iovec *v)
{
	const uint8_t *at = v->iov_base;

	if (v->iov_len == 0)
		return 1;
	for (unsigned i = 0; i < COUNT(m->region); i++) {
		const struct gmem_region *r = &m->region[i];

		if (at >= r->host && at < r->host + r->len && v->iov_len <= r->len &&
		    (size_t)(r->host + r->len - at) >= v->iov_len)
			return 1;
	}
	return 0;
}

static void check_chain(const struct vq *q, const struct chain *c)
{
	uint8_t header[44];
	uint64_t sum = 0;

	if (c->head >= q->size || c->nread + c->nwrite > VQ_SEGS)
		abort();
	for (unsigned i = 0; i < c->nread + c->nwrite; i++) {
		if (!is_ram(q->mem, &c->iov[i]))
			abort();
		sum += c->iov[i].iov_len;
	}
	if (sum != chain_readable(c) + chain_writable(c))
		abort();
	if (chain_read(c, 1, header, sizeof(header)) > MIN(chain_readable(c), sizeof(header)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t at[3];
	struct vq q;
	unsigned steps;

	if (size < HEAD)
		return 0;
	memcpy(at, data + 1, sizeof(at));
	steps = data[7];
	vq_reset(&q, mem_of(data + HEAD, size - HEAD), (uint16_t)(1u << (data[0] & 15)));
	q.event_idx = data[0] >> 7;
	q.desc_at = at[0] % 1024 * 16u;
	q.avail_at = at[1] % 16384 * 2u;
	q.used_at = at[2] % 4096 * 4u;
	if (vq_start(&q) < 0) {
		struct chain c;

		if (vq_pop(&q, &c) != 0)
			abort();
		return 0;
	}
	for (unsigned i = 0; i < steps; i++) {
		struct chain c;
		uint16_t before = q.next_avail;
		int rc = vq_pop(&q, &c);

		if (q.next_avail != (uint16_t)(before + (rc == 1)))
			abort();
		if (rc < 0)
			break;
		if (rc == 0) {
			if (!vq_listen(&q))
				break;
			continue;
		}
		check_chain(&q, &c);
		vq_ignore(&q);
		if (i % 8 == 7) {
			vq_unpop(&q);
			continue;
		}
		/* What a device writes may well be the rings themselves. */
		vq_push(&q, &c, (uint32_t)chain_write(&c, data, i % 64));
		vq_must_signal(&q);
	}
	return 0;
}
