/*
 * heartbeat - does the guest's exec server answer somebody from outside, now?
 */
#include "host/heartbeat.h"

#include <string.h>

#include "base/util.h"
#include "proto/ports.h"

enum {
	SILENCE_MS = 2000,
	EVERY_MS = 10000,
	MISSED_MAX = 3,
	STOPPED_MS = 1000, /* between attempts at one that has stopped: it may stay so for hours */
};

static const char words[] = "are you there";

static void try_later(struct heartbeat *h, const char *why)
{
	loop_cancel(h->loop, &h->silent);
	loop_after(h->loop, &h->again, h->has_stopped ? STOPPED_MS : backoff_next(&h->wait));
	if (!h->beats) {
		condition_missed(h->c, why);
	} else if (++h->missed == MISSED_MAX) {
		h->beats = 0;
		h->has_stopped = 1;
		h->stopped(h, why);
	}
}

static void came_back(struct heartbeat *h)
{
	int is_news = !h->beats;

	h->beats = 1;
	h->has_stopped = 0;
	h->missed = 0;
	h->wait = (struct backoff){ 0 };
	loop_after(h->loop, &h->again, EVERY_MS);
	if (is_news)
		h->answered(h);
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
		came_back(h);
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

	if (!h->beats)
		condition_attempt(h->c);
	loop_after(h->loop, &h->silent, SILENCE_MS);
	rc = call_open(&h->call, h->loop, &ops, h->sockets_dir, PORT_EXEC);
	if (rc < 0)
		try_later(h, strerror(-rc));
}

void heartbeat_start(struct heartbeat *h, struct loop *l, int sockets_dir, struct condition *c)
{
	heartbeat_stop(h);
	h->again.due = attempt;
	h->silent.due = silent_due;
	h->loop = l;
	h->sockets_dir = sockets_dir;
	h->c = c;
	h->wait = (struct backoff){ 0 };
	h->beats = h->has_stopped = 0;
	h->missed = 0;
	attempt(&h->again);
}

static void fall_silent(struct heartbeat *h)
{
	loop_cancel(h->loop, &h->again);
	loop_cancel(h->loop, &h->silent);
	call_close(&h->call);
}

void heartbeat_stop(struct heartbeat *h)
{
	if (!h->loop)
		return;
	fall_silent(h);
	h->loop = NULL;
}

void heartbeat_hold(struct heartbeat *h, int held)
{
	if (!h->loop)
		return;
	fall_silent(h);
	h->missed = 0;
	if (!held)
		attempt(&h->again);
}
