/*
 * reply - what the guest's exec server says to a session: frames, taken one by one or passed on.
 */
#include "host/session_parts.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "proto/refusal.h"

enum { BURST = 8 }; /* pieces in one turn of the loop: nobody waits for more */

/* Our reader has gone: the command learns it as if it had written to our pipe itself. */
static void put_out(struct session *s, struct outlet *o, int rc)
{
	if (rc == -EPIPE)
		peer_post(&s->peer, o == &s->seat.outlets[0] ? FRAME_STDOUT : FRAME_STDERR, NULL,
			  0);
	else if (rc < 0)
		session_finish(s, err_set(s->e, rc, "write to %s: %s", o->name, strerror(-rc)));
}

static int take_output(struct session *s, const struct frame *f)
{
	struct outlet *o = &s->seat.outlets[f->type == FRAME_STDERR];

	if (s->state == ASKING)
		return -EPROTO;
	if (s->state != RUNNING)
		return 0;
	passage_expect(&s->passage, o, f->len);
	put_out(s, o, outlet_put(o, f->data, f->len));
	return 0;
}

static int take_window(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	uint32_t more = rd_be32(&r);

	if (!rd_done(&r))
		return -EPROTO;
	return s->state == LEAVING ? 0 : input_taken(&s->seat.input, more);
}

/* Where its output goes on; *lost grows by what is not kept any more. */
static int resume_at(struct outlet *o, uint64_t at, uint64_t *lost)
{
	if (o->seen == EXEC_SEEN_ALL)
		o->seen = at;
	if (at < o->seen)
		return -EPROTO;
	*lost += at - o->seen;
	o->seen = at;
	return 0;
}

static void tell_return(struct session *s, uint64_t lost)
{
	int64_t ms = peer_is_back(&s->peer);

	if (ms >= 0)
		seat_tell(&s->seat, "%s: back after %" PRId64 " ms", session_where(s), ms);
	if (lost)
		seat_tell(&s->seat, "%s: %" PRIu64 " bytes of output are not kept any more",
			  session_where(s), lost);
}

static int take_started(struct session *s, const struct frame *f)
{
	struct outlet *const o = s->seat.outlets;
	struct exec_started st;
	uint64_t lost = 0;

	if (s->state != ASKING || exec_started_decode(&st, f->data, f->len) < 0 ||
	    resume_at(&o[0], st.out_at, &lost) < 0 || resume_at(&o[1], st.err_at, &lost) < 0)
		return -EPROTO;
	if (s->seat.has_input && input_begin(&s->seat.input, st.in_at, st.window) < 0)
		return -EPROTO;
	snprintf(s->end->id, sizeof(s->end->id), "%s", st.id);
	s->state = RUNNING;
	tell_return(s, lost);
	if (s->how->only_start)
		session_abandon(s, 0);
	else if (st.tty)
		session_lend_tty(s);
	for (size_t i = 0; i < COUNT(s->seat.outlets); i++)
		if (o[i].is_broken)
			put_out(s, &o[i], -EPIPE); /* nobody told this connection */
	return 0;
}

static int take_exit(struct session *s, const struct frame *f)
{
	struct exec_status status;

	if (s->state == ASKING || exec_status_decode(&status, f->data, f->len) < 0)
		return -EPROTO;
	s->end->was_left = 0;
	s->end->notes = status.notes;
	if (s->how->only_start && s->state == LEAVING)
		session_finish(s, 0);
	else if (s->limit_step > 0)
		session_finish(s, session_out_of_time(s, "was ended"));
	else if (status.end == EXEC_LOST)
		session_finish(s,
			       err_set(s->e, -ECHILD, "the guest lost the command's exit status"));
	else
		session_finish(s, exec_status_code(&status));
	return 0;
}

/* The sentence is the guest's: nothing in it may steer our terminal. */
static int take_error(struct session *s, const struct frame *f)
{
	struct refusal why;

	if (refusal_decode(&why, f->data, f->len) < 0)
		return -EPROTO;
	err_set(s->e, why.sys > 0 && why.sys < 4096 ? -(int)why.sys : -EREMOTEIO, "%s", why.text);
	for (char *c = s->e->text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	s->end->was_left = 0;
	s->end->was_taken_over = why.why == REFUSED_TAKEN_OVER;
	/* 126 and 127 are about a command that did not start, and only about that. */
	s->e->exit = s->how->attach || s->end->id[0] ? SESSION_FAILED : refusal_code(&why);
	session_finish(s, s->e->code);
	return 0;
}

static int ignore(struct session *s, const struct frame *f)
{
	(void)s;
	(void)f;
	return 0;
}

static int take_frame(struct session *s, const struct frame *f)
{
	static const struct {
		uint8_t type;
		int (*take)(struct session *s, const struct frame *f);
	} table[] = {
		{ FRAME_STDOUT, take_output },	     { FRAME_STDERR, take_output },
		{ FRAME_STDIN_WINDOW, take_window }, { FRAME_STARTED, take_started },
		{ FRAME_EXIT, take_exit },	     { FRAME_ERROR, take_error },
		{ FRAME_HEARTBEAT, ignore },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].type == f->type)
			return table[i].take(s, f);
	return -EPROTO;
}

/* A long frame of output that has begun. Nonzero when it goes straight to our stdout. */
static int begin_passage(struct session *s)
{
	struct outlet *o;
	struct frame f;
	int rc = 0;

	if (s->state != RUNNING || frame_begun(&s->peer.in, &f) < 0 ||
	    (f.type != FRAME_STDOUT && f.type != FRAME_STDERR))
		return 0;
	o = &s->seat.outlets[f.type == FRAME_STDERR];
	if (!passage_begin(&s->passage, &s->peer.in, o, &rc))
		return 0;
	put_out(s, o, rc);
	return 1;
}

static int go_on_passing(struct session *s)
{
	int rc = passage_go(&s->passage, s->peer.end.w.fd);

	if (rc == -EPIPE)
		put_out(s, s->passage.to, rc);
	if (rc <= 0)
		return rc == -EPIPE ? 1 : rc;
	/* The next header is likely here, too. */
	return ++s->passed < BURST ? peer_read(&s->peer, 1) : 1;
}

/* 1: and there may be more; 0: not now; or negative: the connection is of no use. */
static int take_next(struct session *s)
{
	struct frame f;
	int rc;

	if (s->passage.left > 0)
		return go_on_passing(s);
	rc = frame_next(&s->peer.in, &f);
	if (rc == 0)
		return begin_passage(s);
	if (rc > 0)
		rc = take_frame(s, &f);
	return rc < 0 ? rc : 1;
}

/* What is there, up to a frame that our stdout does not take. */
static void take_frames(struct session *s)
{
	int rc = 1;

	s->passed = 0;
	while (rc > 0 && s->loop.running && !seat_is_full(&s->seat))
		rc = take_next(s);
	if (rc < 0)
		session_broken(s, rc);
	else if (s->loop.running)
		session_settle(s);
}

void session_peer_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, peer.end.w);
	int rc = 0;

	if (events & EPOLLOUT)
		peer_flush(&s->peer);
	if (events & ~(uint32_t)EPOLLOUT && !seat_is_full(&s->seat) && s->passage.left == 0)
		rc = peer_read(&s->peer, s->passage.is_expected);
	if (rc < 0)
		session_broken(s, rc);
	else
		take_frames(s);
}

void session_outlet_ready(struct watch *w, uint32_t events)
{
	struct outlet *o = CONTAINER(w, struct outlet, end.w);
	struct session *s = o->owner;

	(void)events;
	put_out(s, o, outlet_flush(o));
	if (s->loop.running)
		take_frames(s);
}
