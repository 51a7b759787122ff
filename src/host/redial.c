/*
 * redial - a lost connection to a guest's server, tried again until it is there or the time is over.
 */
#include "host/redial.h"

#include <errno.h>

#include "base/clock.h"
#include "base/util.h"

enum {
	RETRY_MS = 2,
	RETRY_MAX_MS = 200,
	ANSWER_MS = 2000, /* of one attempt: who takes that long is given a new one */
};

static void drop(struct redial *r)
{
	end_want(&r->end, 0);
	end_open(&r->end, -1);
	dial_close(&r->dial);
}

static void try_later(struct redial *r)
{
	loop_after(r->loop, &r->timer, r->wait_ms);
	r->wait_ms = MIN(2 * r->wait_ms, RETRY_MAX_MS);
}

static void failed(struct redial *r, int rc)
{
	drop(r);
	if (clock_ms() >= r->until_ms || target_is_over(r->target))
		r->gave_up(r, rc);
	else
		try_later(r);
}

static void answered(struct watch *w, uint32_t events)
{
	struct redial *r = CONTAINER(w, struct redial, end.w);
	int rc = dial_step(&r->dial), fd = r->dial.fd;

	(void)events;
	if (rc == -EAGAIN)
		return;
	if (rc < 0) {
		failed(r, rc);
		return;
	}
	r->dial.fd = -1;
	redial_stop(r);
	r->connected(r, fd);
}

static void due(struct timer *t)
{
	struct redial *r = CONTAINER(t, struct redial, timer);
	int rc;

	if (r->dial.fd >= 0) {
		failed(r, -ETIMEDOUT);
		return;
	}
	rc = dial_begin(&r->dial, r->target->vsock, r->port);
	if (rc < 0) {
		failed(r, rc);
		return;
	}
	end_open(&r->end, r->dial.fd);
	end_want(&r->end, EPOLLIN);
	loop_after(r->loop, &r->timer, ANSWER_MS);
}

void redial_init(struct redial *r, struct loop *l)
{
	r->loop = l;
	r->dial = (struct dial)DIAL_NONE;
	r->end = END_INIT(l, answered);
	r->timer = (struct timer){ .due = due };
	r->wait_ms = RETRY_MS;
}

void redial_proven(struct redial *r)
{
	r->wait_ms = RETRY_MS;
}

void redial_start(struct redial *r, const struct target *t, uint32_t port, int64_t until_ms)
{
	r->target = t;
	r->port = port;
	r->until_ms = until_ms;
	try_later(r);
}

void redial_stop(struct redial *r)
{
	loop_cancel(r->loop, &r->timer);
	drop(r);
}
