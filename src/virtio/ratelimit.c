/*
 * ratelimit - token buckets for bytes and operations: what may be done now, and when more.
 */
#include "virtio/ratelimit.h"

#include "base/util.h"

enum {
	DEPTH_MS = 100,	     /* worth of the rate is what a bucket holds */
	WAIT_MOST_MS = 1000, /* and then it is looked at again */
};

/* At 1 ms a rate is so many thousandths: no division, and nothing is lost to rounding. */
static int64_t depth(const struct bucket *b)
{
	return (int64_t)b->rate * DEPTH_MS;
}

static void bucket_init(struct bucket *b, uint64_t rate, int64_t now_ms)
{
	*b = (struct bucket){ .rate = MIN(rate, (uint64_t)INT64_MAX / (1 << 20)), .at_ms = now_ms };
	b->level = depth(b);
}

static unsigned bucket_wait(struct bucket *b, int64_t now_ms)
{
	int64_t passed = now_ms - b->at_ms;

	if (b->rate == 0)
		return 0;
	/* A debt is bounded by one request, but this must not overflow after years of idleness. */
	if (passed > 0) {
		int64_t missing = depth(b) - b->level;

		b->level = passed > missing / (int64_t)b->rate
				   ? depth(b)
				   : b->level + passed * (int64_t)b->rate;
		b->at_ms = now_ms;
	}
	if (b->level > 0)
		return 0;
	return (unsigned)MIN(-b->level / (int64_t)b->rate + 1, (int64_t)WAIT_MOST_MS);
}

void ratelimit_init(struct ratelimit *r, uint64_t bytes, uint64_t ops, int64_t now_ms)
{
	bucket_init(&r->bytes, bytes, now_ms);
	bucket_init(&r->ops, ops, now_ms);
}

unsigned ratelimit_wait(struct ratelimit *r, int64_t now_ms)
{
	unsigned bytes = bucket_wait(&r->bytes, now_ms), ops = bucket_wait(&r->ops, now_ms);

	return MAX(bytes, ops);
}

void ratelimit_spend(struct ratelimit *r, uint64_t bytes)
{
	if (r->bytes.rate)
		r->bytes.level -= (int64_t)(bytes * 1000);
	if (r->ops.rate)
		r->ops.level -= 1000;
}
