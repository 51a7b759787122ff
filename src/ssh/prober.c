/*
 * prober - whether an SSH server answers at an endpoint; once, or again until it does.
 */
#include "ssh/prober.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"

enum {
	STEP_MS = 5000, /* to connect, to read: unless somebody says otherwise */
	FIRST_PAUSE_MS = 2,
	LAST_PAUSE_MS = 200,
	REFUSED_PAUSE_MS = 4, /* on this machine: nobody is bothered */
	ENDED_PAUSE_MS = 20,  /* somebody is: a forward, perhaps its guest */
	HURRY_MS = 5000,      /* whoever has waited for long can wait for a thousandth of that longer */
	STAGGER_MS = 250,   /* to the next address, while one does not connect (RFC 8305) */
	SPEAKING_MS = 1000, /* or has connected and says nothing */
	RESOLVED_MS = 1000, /* a name's addresses are good for so long */
	TELLING_MS = 100,   /* an attempt of that age that was cut off says: silence */
};

static void attempt_begin(struct prober *p);
static void start_next(struct prober *p);

/* What an attempt came to, when its addresses answered differently: the highest. */
static const struct {
	const char *name;
	int telling;
	int final;
	unsigned pause_ms; /* before the next attempt at a server of this machine, at first; 0: as of any */
} classes[] = {
	[PROBE_NONE] = { "none", 0, 0, 0 },
	[PROBE_TIMEOUT] = { "timeout", 1, 0, 0 },
	[PROBE_REFUSED] = { "refused", 2, 0, REFUSED_PAUSE_MS },
	[PROBE_EPIPE] = { "epipe", 3, 0, ENDED_PAUSE_MS },
	[PROBE_RESET] = { "reset", 4, 0, ENDED_PAUSE_MS },
	[PROBE_CLOSED] = { "closed", 5, 0, ENDED_PAUSE_MS },
	[PROBE_NOT_SSH] = { "not_ssh", 6, 1, 0 },
	[PROBE_UNSUPPORTED_VERSION] = { "unsupported_version", 7, 1, 0 },
	[PROBE_OK] = { "ok", 8, 1, 0 },
};

const char *probe_class_name(enum probe_class c)
{
	return classes[c].name;
}

int probe_is_final(enum probe_class c)
{
	return classes[c].final;
}

int prober_is_quiet(const struct prober *p)
{
	if (p->stagger.at_ms || p->pause.at_ms || p->deadline.at_ms || p->resolver.job)
		return 0;
	for (size_t i = 0; i < COUNT(p->lanes); i++)
		if (p->lanes[i].state != LANE_IDLE)
			return 0;
	return 1;
}

static void stop_asking(struct prober *p)
{
	loop_cancel(p->loop, &p->deadline);
	loop_cancel(p->loop, &p->stagger);
	loop_cancel(p->loop, &p->pause);
	resolver_stop(&p->resolver);
	for (size_t i = 0; i < COUNT(p->lanes); i++)
		if (p->lanes[i].state != LANE_LEAVING)
			lane_stop(&p->lanes[i]);
}

/* The last thing that happens: done() may start it anew. */
static void finish(struct prober *p)
{
	int quiet;

	stop_asking(p);
	quiet = prober_is_quiet(p);
	p->result.elapsed_ms = clock_ms() - p->began_ms;
	p->done(p);
	if (quiet && p->left)
		p->left(p);
}

static void tell(struct prober *p, enum probe_class verdict, const char *why,
		 const struct address *at, const char *banner)
{
	struct probe_result *r = &p->attempt;

	if (classes[verdict].telling < classes[r->verdict].telling)
		return;
	r->verdict = verdict;
	snprintf(r->why, sizeof(r->why), "%s", why);
	snprintf(r->banner, sizeof(r->banner), "%s", banner);
	endpoint_text(r->address, p->where, at);
	r->at = at;
}

/* The answer of the attempt becomes the answer. */
static void take_answer(struct prober *p)
{
	unsigned attempts = p->result.attempts;

	p->result = p->attempt;
	p->result.attempts = attempts;
}

/* How long a pause may be: it is time by which the answer comes too late. */
static unsigned longest_pause(const struct prober *p)
{
	unsigned first = classes[p->result.verdict].pause_ms;
	int64_t waited_ms = clock_ms() - p->began_ms;

	if (p->limits.interval_ms)
		return p->limits.interval_ms;
	if (first == 0 || !endpoint_is_local(p->where, &p->addresses))
		return LAST_PAUSE_MS;
	return (unsigned)MIN((int64_t)first * MAX(waited_ms, (int64_t)HURRY_MS) / HURRY_MS, (int64_t)LAST_PAUSE_MS);
}

/* Doubling, up to that. */
static unsigned next_pause(struct prober *p)
{
	p->pause_ms = p->pause_ms ? p->pause_ms * 2 : FIRST_PAUSE_MS;
	return p->pause_ms = MIN(p->pause_ms, longest_pause(p));
}

static void attempt_over(struct prober *p)
{
	loop_cancel(p->loop, &p->stagger);
	take_answer(p);
	if (probe_is_final(p->result.verdict) || !p->limits.wait)
		finish(p);
	else
		loop_after(p->loop, &p->pause, next_pause(p));
}

static void lane_ended(struct lane *l)
{
	struct prober *p = CONTAINER(l, struct prober, lanes[l->number]);

	tell(p, l->verdict, l->why, l->at, l->verdict == PROBE_OK ? l->banner.line : "");
	p->active--;
	if (l->verdict == PROBE_OK)
		attempt_over(p);
	else if (p->next < MAX(p->addresses.count, 1u))
		start_next(p);
	else if (p->active == 0)
		attempt_over(p);
}

static void lane_left(struct lane *l)
{
	struct prober *p = CONTAINER(l, struct prober, lanes[l->number]);

	if (prober_is_quiet(p) && p->left)
		p->left(p);
}

static void start_next(struct prober *p)
{
	unsigned number = p->next++;
	struct lane *l = &p->lanes[number];

	l->loop = p->loop;
	l->where = p->where;
	l->number = number;
	l->at = number < p->addresses.count ? &p->addresses.at[number] : NULL;
	l->connect_ms = p->limits.connect_ms;
	l->read_ms = p->limits.read_ms;
	l->ended = lane_ended;
	l->left = lane_left;
	p->active++;
	p->was_patient = 0;
	if (p->next < p->addresses.count)
		loop_after(p->loop, &p->stagger, STAGGER_MS);
	else
		loop_cancel(p->loop, &p->stagger);
	lane_start(l);
}

/* An address that does not answer must not hold up the others. One that accepted has more time:
 * two addresses are often the same server, which would have to do with two clients. */
static void stagger_due(struct timer *t)
{
	struct prober *p = CONTAINER(t, struct prober, stagger);
	int speaks = p->lanes[p->next - 1].state == LANE_READING;

	if (speaks && !p->was_patient) {
		p->was_patient = 1;
		loop_after(p->loop, t, SPEAKING_MS);
	} else {
		start_next(p);
	}
}

static void names_found(struct resolver *l, const struct addresses *a, const char *why)
{
	struct prober *p = CONTAINER(l, struct prober, resolver);

	p->addresses = *a;
	p->resolved_ms = clock_ms();
	if (a->count > 0) {
		start_next(p);
		return;
	}
	tell(p, PROBE_REFUSED, why, NULL, "");
	attempt_over(p);
}

static void attempt_begin(struct prober *p)
{
	int64_t now = clock_ms();
	int rc;

	p->attempt = (struct probe_result){ .verdict = PROBE_NONE };
	p->attempt_ms = now;
	p->result.attempts++;
	p->next = p->active = 0;
	if (!endpoint_is_name(p->where) ||
	    (p->addresses.count > 0 && now - p->resolved_ms < RESOLVED_MS)) {
		start_next(p);
		return;
	}
	rc = resolver_start(&p->resolver, p->loop, p->where, names_found);
	if (rc == 0)
		return;
	tell(p, PROBE_REFUSED, strerror(-rc), NULL, "");
	attempt_over(p);
}

static void pause_due(struct timer *t)
{
	attempt_begin(CONTAINER(t, struct prober, pause));
}

/* The time is up. What is known is the latest attempt's answer, or that the one going on has had
 * time for an answer and got none. */
static void deadline_due(struct timer *t)
{
	struct prober *p = CONTAINER(t, struct prober, deadline);
	int is_paused = p->pause.at_ms != 0;
	int64_t age_ms = clock_ms() - p->attempt_ms;

	if (!is_paused && p->attempt.verdict != PROBE_NONE) {
		take_answer(p); /* one address answered, another is silent */
	} else if (!is_paused && (p->result.verdict == PROBE_NONE || age_ms >= TELLING_MS)) {
		tell(p, PROBE_TIMEOUT, "no answer until the deadline",
		     p->next > 0 && p->addresses.count > 0 ? p->lanes[p->next - 1].at : NULL, "");
		take_answer(p);
	}
	finish(p);
}

void prober_start(struct prober *p)
{
	p->limits.connect_ms = p->limits.connect_ms ? p->limits.connect_ms : STEP_MS;
	p->limits.read_ms = p->limits.read_ms ? p->limits.read_ms : STEP_MS;
	p->result = (struct probe_result){ .verdict = PROBE_NONE };
	p->began_ms = clock_ms();
	p->addresses = p->where->addresses;
	p->pause_ms = 0;
	p->resolver = RESOLVER_NONE;
	for (size_t i = 0; i < COUNT(p->lanes); i++)
		p->lanes[i] = LANE_NONE;
	p->stagger = (struct timer){ .due = stagger_due };
	p->pause = (struct timer){ .due = pause_due };
	p->deadline = (struct timer){ .due = deadline_due };
	if (p->limits.timeout_ms)
		loop_after(p->loop, &p->deadline, p->limits.timeout_ms);
	loop_after(p->loop, &p->pause, 0);
}

void prober_stop(struct prober *p)
{
	if (!p->deadline.due)
		return; /* never started */
	stop_asking(p);
	for (size_t i = 0; i < COUNT(p->lanes); i++)
		lane_stop(&p->lanes[i]);
}
