/*
 * probe - one question that is asked of a guest again and again: does this work?
 */
#include "host/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/text.h"

enum {
	PIECE = 512,
	NOT_FATAL_START_MS = 5000, /* so long a start waits for what it can do without */
};

/* --- what an attempt's end means --- */

static void attempt_ends(struct probe *p)
{
	loop_cancel(p->loop, &p->late);
	errand_stop(&p->errand);
	reach_stop(&p->reach);
}

static void say(struct probe *p, int holds, const char *text)
{
	p->is_known = 1;
	p->holds = holds;
	p->wait.ms = 0;
	loop_after(p->loop, &p->next, p->wish->interval_ms);
	p->said(p, holds ? PROBE_HOLDS : PROBE_FAILS, text);
}

static void succeed(struct probe *p, const char *text)
{
	attempt_ends(p);
	p->failures = 0;
	if (p->is_known && p->holds)
		loop_after(p->loop, &p->next, p->wish->interval_ms);
	else
		say(p, 1, text);
}

/* Nothing but the start's own deadline ends the wait for what is fatal, unless it was said. */
static int start_is_over(const struct probe *p)
{
	const struct probe_wish *w = p->wish;
	uint32_t start_ms = w->has_start ? w->start_ms : NOT_FATAL_START_MS;

	if (!w->has_start && w->is_fatal)
		return 0;
	return clock_ms() - p->began_ms >= start_ms;
}

static void fail(struct probe *p, const char *why)
{
	char text[CONDITION_TEXT_MAX];

	text_clean(text, sizeof(text), why, strlen(why));
	attempt_ends(p);
	condition_missed(p->c, text);
	if (p->is_known)
		p->failures++;
	else
		p->failures = start_is_over(p) ? p->failures + 1 : 0;
	if (p->failures >= p->wish->retries && (p->holds || !p->is_known))
		say(p, 0, text);
	else
		loop_after(p->loop, &p->next,
			   p->is_known ? p->wish->interval_ms : backoff_next(&p->wait));
}

/* --- commands --- */

static void errand_over(struct errand *r)
{
	struct probe *p = CONTAINER(r, struct probe, errand);
	char text[CONDITION_TEXT_MAX];

	if (r->end == ERRAND_EXITED && r->code == 0) {
		succeed(p, "its command ended with 0");
		return;
	}
	if (r->end == ERRAND_EXITED)
		snprintf(text, sizeof(text), "its command ended with %d%s%.120s", r->code,
			 r->said[0] ? ": " : "", r->said);
	else
		snprintf(text, sizeof(text), "%s", r->said);
	fail(p, text);
}

static void try_command(struct probe *p)
{
	const struct errand_ask ask = { .argv = p->wish->argv, .timeout_ms = p->wish->timeout_ms };
	int rc;

	p->errand.over = errand_over;
	rc = errand_start(&p->errand, p->loop, p->sockets_dir, &ask);
	if (rc < 0)
		fail(p, strerror(-rc));
}

/* --- connections --- */

static void took_http(struct probe *p)
{
	const struct httpstatus *h = &p->answer.http;
	char line[80], text[CONDITION_TEXT_MAX];

	if (h->code == 0)
		return;
	httpstatus_show(h, line, sizeof(line));
	if (h->code < 0)
		snprintf(text, sizeof(text), "the answer is no HTTP: '%s'", line);
	else
		snprintf(text, sizeof(text), "answered with %s", line);
	if (h->code >= p->wish->status_min && h->code <= p->wish->status_max)
		succeed(p, text);
	else
		fail(p, text);
}

static void took_banner(struct probe *p)
{
	const struct banner *b = &p->answer.banner;
	char text[CONDITION_TEXT_MAX];

	if (b->verdict == BANNER_OK) {
		snprintf(text, sizeof(text), "greeted as %.120s", b->line);
		succeed(p, text);
	} else if (b->verdict != BANNER_MORE) {
		fail(p, b->why);
	}
}

/* What arrives is decided on as soon as it can be; its end is none. */
static void answer_ready(struct watch *w, uint32_t events)
{
	struct reach *r = CONTAINER(w, struct reach, conn);
	struct probe *p = CONTAINER(r, struct probe, reach);
	char piece[PIECE];
	ssize_t n = fd_read(w->fd, piece, sizeof(piece));

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		fail(p, n < 0 ? strerror((int)-n) : "accepted, and closed without an answer");
	} else if (p->wish->kind == TRY_HTTP) {
		httpstatus_take(&p->answer.http, piece, (size_t)n);
		took_http(p);
	} else {
		banner_take(&p->answer.banner, piece, (size_t)n);
		took_banner(p);
	}
}

/* A server that gets no Host refuses the best of questions. */
static int ask_http(struct probe *p)
{
	const struct probe_wish *w = p->wish;
	char text[1024];
	int is_v6 = strchr(w->place.address, ':') != NULL;
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: vmtool\r\n"
			 "Accept: */*\r\nConnection: close\r\n\r\n",
			 w->path, is_v6 ? "[" : "", w->place.address, is_v6 ? "]" : "",
			 w->place.port);
	ssize_t sent;

	if (n >= (int)sizeof(text))
		return -EMSGSIZE;
	sent = send(p->reach.conn.fd, text, (size_t)n, MSG_NOSIGNAL);
	/* A fresh socket has room for it: short is broken. */
	return sent == n ? 0 : sent < 0 ? -errno : -EPROTO;
}

/* So that the server does not log a stranger who said nothing. */
static int ask_ssh(struct probe *p)
{
	static const char ours[] = "SSH-2.0-vmtool_probe\r\n";
	ssize_t sent = send(p->reach.conn.fd, ours, sizeof(ours) - 1, MSG_NOSIGNAL);

	return sent < 0 ? -errno : 0;
}

static void reach_up(struct reach *r)
{
	struct probe *p = CONTAINER(r, struct probe, reach);
	int rc;

	if (p->wish->kind == TRY_TCP || p->wish->kind == TRY_UNIX) {
		succeed(p, "a connection was accepted");
		return;
	}
	if (p->wish->kind == TRY_HTTP)
		p->answer.http = HTTPSTATUS_INIT;
	else
		p->answer.banner = BANNER_INIT;
	r->conn.ready = answer_ready;
	loop_mod(r->loop, &r->conn, EPOLLIN);
	rc = p->wish->kind == TRY_HTTP ? ask_http(p) : ask_ssh(p);
	if (rc < 0)
		fail(p, strerror(-rc));
}

static void reach_failed(struct reach *r, const char *why)
{
	fail(CONTAINER(r, struct probe, reach), why);
}

static void try_connection(struct probe *p)
{
	p->reach.up = reach_up;
	p->reach.failed = reach_failed;
	loop_after(p->loop, &p->late, p->wish->timeout_ms);
	reach_start(&p->reach, p->loop, p->sockets_dir, &p->wish->place, p->wish->timeout_ms);
}

static void late_due(struct timer *t)
{
	struct probe *p = CONTAINER(t, struct probe, late);
	char text[80];

	snprintf(text, sizeof(text), "no answer within %u ms", p->wish->timeout_ms);
	fail(p, text);
}

/* --- from outside --- */

static void next_due(struct timer *t)
{
	struct probe *p = CONTAINER(t, struct probe, next);

	if (!p->holds)
		condition_attempt(p->c);
	if (p->wish->kind == TRY_EXEC)
		try_command(p);
	else
		try_connection(p);
}

void probe_start(struct probe *p, struct loop *l, int sockets_dir)
{
	p->loop = l;
	p->sockets_dir = sockets_dir;
	p->next = (struct timer){ .due = next_due };
	p->late = (struct timer){ .due = late_due };
	p->wait.ms = 0;
	p->failures = 0;
	p->is_known = p->holds = 0;
	p->began_ms = clock_ms();
	loop_after(l, &p->next, 0);
}

void probe_hurry(struct probe *p)
{
	if (!p->loop || !p->next.at_ms)
		return; /* not started, or just asking */
	p->wait.ms = 0;
	loop_after(p->loop, &p->next, 0);
}

void probe_stop(struct probe *p)
{
	if (!p->loop)
		return;
	attempt_ends(p);
	loop_cancel(p->loop, &p->next);
	p->loop = NULL;
}
