/*
 * backoff - how long to wait before the next attempt, where nothing tells when it is worth one:
 * 2 ms at first, twice as long each time, 200 ms at most.
 */
#ifndef HOST_BACKOFF_H
#define HOST_BACKOFF_H

#include "base/util.h"

struct backoff {
	unsigned ms; /* the latest; 0 before the first */
};

static inline unsigned backoff_next(struct backoff *b)
{
	b->ms = b->ms ? MIN(2 * b->ms, 200u) : 2;
	return b->ms;
}

#endif
