/*
 * scan - the host keys an SSH server shows.
 */
#include "ssh/scan.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

enum { STEP_MS = 5000, EVERY = (1u << SIGNATURE_COUNT) - 1 };

static void finish(struct scan *s, enum probe_class verdict, const char *why)
{
	scan_stop(s);
	s->verdict = verdict;
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->done(s);
}

static void lane_left(struct lane *l);

static void next_lane(struct scan *s)
{
	struct lane *l = &s->lane;

	l->wanted = s->wanted;
	l->kex = &s->kex;
	lane_start(l);
}

/* One type of key was learnt, or there is no other: of what the server still has, algorithms for
 * that key are of no more use. */
static void take_key(struct scan *s)
{
	const struct kex *k = &s->kex;

	s->wanted &= k->offered;
	for (int a = 0; a < SIGNATURE_COUNT; a++)
		if (!strcmp(signature_key_type(a), k->key.type))
			s->wanted &= ~(1u << a);
	s->keys[s->count].key = k->key;
	s->keys[s->count].is_verified = k->is_verified;
	s->count++;
}

/* Dropbear offers rsa-sha2-256 though it has no such key, and ends itself when asked for it. What was
 * asked for is the first that is wanted: the server has all of those. */
static void go_without(struct scan *s)
{
	s->wanted &= s->wanted - 1;
	lane_left(&s->lane);
}

static void lane_ended(struct lane *l)
{
	struct scan *s = CONTAINER(l, struct scan, lane);

	if (s->count > 0 && (l->verdict == PROBE_CLOSED || l->verdict == PROBE_RESET))
		go_without(s);
	else if (l->verdict != PROBE_OK)
		finish(s, l->verdict, l->why);
	else if (s->kex.verdict == KEX_FAILED)
		finish(s, PROBE_NOT_SSH, s->kex.why);
	else if (s->kex.verdict == KEX_NOTHING)
		s->wanted = 0;
	else
		take_key(s);
}

/* The server has seen its client leave: the next may come. */
static void lane_left(struct lane *l)
{
	struct scan *s = CONTAINER(l, struct scan, lane);

	if (s->wanted) {
		next_lane(s);
		return;
	}
	s->has_none = s->count == 0;
	if (s->has_none)
		finish(s, PROBE_NOT_SSH, "it has no host key of a kind that is known here");
	else
		finish(s, PROBE_OK, "");
}

static void probe_done(struct prober *p)
{
	(void)p; /* what it came to is looked at once its connection has gone */
}

static void probe_left(struct prober *p)
{
	struct scan *s = CONTAINER(p, struct scan, prober);

	snprintf(s->address, sizeof(s->address), "%s", p->result.address);
	snprintf(s->banner, sizeof(s->banner), "%s", p->result.banner);
	if (p->result.verdict != PROBE_OK) {
		finish(s, p->result.verdict, p->result.why);
		return;
	}
	s->lane.at = p->result.at;
	next_lane(s);
}

static void deadline_due(struct timer *t)
{
	finish(CONTAINER(t, struct scan, deadline), PROBE_TIMEOUT, "the time is up");
}

static void soon_due(struct timer *t)
{
	next_lane(CONTAINER(t, struct scan, soon));
}

void scan_start(struct scan *s)
{
	s->count = 0;
	s->wanted = s->only ? s->only : EVERY;
	s->has_none = 0;
	s->prober = (struct prober){
		.loop = s->loop, .where = s->where, .done = probe_done, .left = probe_left
	};
	s->lane = LANE_NONE;
	s->lane.loop = s->loop;
	s->lane.where = s->where;
	s->lane.connect_ms = s->lane.read_ms = STEP_MS;
	s->lane.ended = lane_ended;
	s->lane.left = lane_left;
	s->deadline = (struct timer){ .due = deadline_due };
	s->soon = (struct timer){ .due = soon_due };
	loop_after(s->loop, &s->deadline, s->timeout_ms);
	s->lane.at = s->at;
	if (s->is_found)
		loop_after(s->loop, &s->soon, 0); /* a lane may end at once, and done() is not to */
	else
		prober_start(&s->prober);
}

void scan_stop(struct scan *s)
{
	loop_cancel(s->loop, &s->deadline);
	loop_cancel(s->loop, &s->soon);
	prober_stop(&s->prober);
	lane_stop(&s->lane);
}
