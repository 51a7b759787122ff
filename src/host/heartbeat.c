/*
 * heartbeat - does the guest's exec server answer somebody from outside, now?
 */
#include "host/heartbeat.h"

#include <string.h>

#include "base/util.h"
#include "proto/ports.h"

enum { SILENCE_MS = 2000 };

static const char words[] = "are you there";

static void try_later(struct heartbeat *h, const char *why)
{
	condition_missed(h->c, why);
	loop_cancel(h->loop, &h->silent);
	loop_after(h->loop, &h->again, backoff_next(&h->wait));
}

static void call_up(struct call *c)
{
	struct heartbeat *h = CONTAINER(c, struct heartbeat, call);
	int rc = call_send(c, FRAME_HEARTBEAT, words, sizeof(words));

	if (rc < 0) {
		call_close(c);
		try_later(h, strerror(-rc));
	}
}

static void call_frame(struct call *c, const struct frame *f)
{
	struct heartbeat *h = CONTAINER(c, struct heartbeat, call);

	call_close(c);
	loop_cancel(h->loop, &h->silent);
	if (f->type == FRAME_HEARTBEAT && f->len == sizeof(words) &&
	    memcmp(f->data, words, sizeof(words)) == 0)
		h->answered(h);
	else
		try_later(h, "something else than a heartbeat came back");
}

static void call_lost(struct call *c, const char *why)
{
	try_later(CONTAINER(c, struct heartbeat, call), why);
}

static void silent_due(struct timer *t)
{
	struct heartbeat *h = CONTAINER(t, struct heartbeat, silent);

	call_close(&h->call);
	try_later(h, "no answer within 2 s");
}

static void attempt(struct timer *t)
{
	static const struct call_ops ops = { call_up, call_frame, call_lost };
	struct heartbeat *h = CONTAINER(t, struct heartbeat, again);
	int rc;

	condition_attempt(h->c);
	loop_after(h->loop, &h->silent, SILENCE_MS);
	rc = call_open(&h->call, h->loop, &ops, h->sockets_dir, PORT_EXEC);
	if (rc < 0)
		try_later(h, strerror(-rc));
}

void heartbeat_start(struct heartbeat *h, struct loop *l, int sockets_dir, struct condition *c,
		     void (*answered)(struct heartbeat *h))
{
	*h = (struct heartbeat){
		.call = CALL_NONE,
		.again = { .due = attempt },
		.silent = { .due = silent_due },
		.loop = l,
		.sockets_dir = sockets_dir,
		.c = c,
		.answered = answered,
	};
	attempt(&h->again);
}

void heartbeat_stop(struct heartbeat *h)
{
	if (!h->loop)
		return;
	loop_cancel(h->loop, &h->again);
	loop_cancel(h->loop, &h->silent);
	call_close(&h->call);
}
