/*
 * ratelimit - token buckets for bytes and operations: what may be done now, and when more.
 *
 * A bucket fills at its rate and holds a tenth of a second's worth. Whoever finds something in it may
 * take more than that: the bucket is in debt then, and the next has to wait, so that one large request
 * goes through a small bucket and the rate holds all the same. Time is the caller's.
 */
#ifndef VIRTIO_RATELIMIT_H
#define VIRTIO_RATELIMIT_H

#include <stdint.h>

struct bucket {
	uint64_t rate; /* a second; 0: no limit */
	int64_t level; /* in thousandths */
	int64_t at_ms; /* when it was */
};

struct ratelimit {
	struct bucket bytes, ops;
};

/* Full buckets; a rate of 0 is none. */
void ratelimit_init(struct ratelimit *r, uint64_t bytes, uint64_t ops, int64_t now_ms);

/* 0: go on; or so many milliseconds later. */
unsigned ratelimit_wait(struct ratelimit *r, int64_t now_ms);

/* One operation was done, of so many bytes. */
void ratelimit_spend(struct ratelimit *r, uint64_t bytes);

#endif
