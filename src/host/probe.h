/*
 * probe - one question that is asked of a guest again and again: does this work?
 *
 * While that is not known, it is asked in a hurry: 2 ms after the first failure, 200 ms at most.
 * Once it is known, every interval. One success is enough to say yes; only so many failures in a
 * row say no, and none does before the start period is over.
 */
#ifndef HOST_PROBE_H
#define HOST_PROBE_H

#include "host/backoff.h"
#include "host/errand.h"
#include "host/httpstatus.h"
#include "host/probewish.h"
#include "host/reach.h"
#include "ssh/banner.h"

enum probe_news {
	PROBE_HOLDS,
	PROBE_FAILS, /* it did hold, or the start period is over */
};

struct probe {
	struct loop *loop;	       /* borrowed; NULL before it was started */
	int sockets_dir;	       /* borrowed */
	const struct probe_wish *wish; /* borrowed */
	struct condition *c;	       /* borrowed: where the attempts are counted */
	struct timer next, late;
	struct backoff wait;
	int64_t began_ms;
	uint32_t failures; /* in a row */
	int is_known;	   /* it was said whether it holds */
	int holds;
	/* One of both, by its kind; of the latter what has come so far. */
	struct errand errand;
	struct reach reach;
	union {
		struct httpstatus http;
		struct banner banner;
	} answer;
	void *owner;
	/* Said once each time it turns; text: why, clean. */
	void (*said)(struct probe *p, enum probe_news news, const char *text);
};

#define PROBE_INIT ((struct probe){ .errand = ERRAND_NONE, .reach = REACH_NONE })

/* `wish`, `c`, `owner` and `said` are set. Asks at once, and on until probe_stop(). */
void probe_start(struct probe *p, struct loop *l, int sockets_dir);

/* Something happened that makes it worth asking now. */
void probe_hurry(struct probe *p);

void probe_stop(struct probe *p);

#endif
