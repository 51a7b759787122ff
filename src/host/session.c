/*
 * session - the host's end of a command in the guest.
 *
 * Its own loop, for as long as the command runs. Back-pressure needs no buffers: output that
 * our stdout does not take now stays in the inbox, and the connection is not read until it is
 * gone; stdin is read only when it can be sent.
 *
 * The connection may be lost and come back under it: both sides count bytes, so each knows what
 * the other has not got.
 */
#include "host/session.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/end.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/util.h"
#include "host/input.h"
#include "host/outlet.h"
#include "host/redial.h"
#include "host/tty.h"
#include "proto/frame.h"
#include "proto/ports.h"
#include "proto/refusal.h"

enum {
	FAILED = 125,
	GIVEN_UP = 128 + SIGINT,
	GIVE_UP_MS = 1000, /* the second ^C within this time */
	LEAVE_MS = 1000,   /* for the guest to let us go */
	GRACE_MS = 2000,   /* between TERM and KILL, and between KILL and giving up */
	IN_BYTES = 4 * (FRAME_HEADER + FRAME_CHUNK), /* whole frames: none is moved to be whole */
	OUT_BYTES = FRAME_HEADER + FRAME_MAX + 2 * FRAME_CHUNK, /* the request, and what follows */
};

enum session_state {
	ASKING,	 /* the request is out; no input is sent before FRAME_STARTED says how much */
	RUNNING, /* started or attached to */
	AWAY,	 /* the connection is lost and tried again */
	LEAVING, /* FRAME_DETACH is out; the guest closes, or the timer ends the waiting for it */
};

struct session {
	const struct session_how *how; /* borrowed */
	struct session_end *end;       /* borrowed */
	struct err *e;		       /* borrowed */
	struct loop loop;
	enum session_state state;
	int code; /* of leaving */

	struct end peer;
	struct inbox in;
	struct fifo out;
	int is_deaf; /* the peer takes nothing more; what it said before is still to be read */
	struct redial redial;
	int64_t lost_ms; /* when the connection was; 0: it is there */

	struct tty tty;
	int has_tty; /* the command's is a terminal */
	struct detachkeys keys;
	int has_input;
	struct input input;
	struct outlet outlets[2];
	int says_seen;
	uint64_t said_seen; /* of both outlets, when it was last said */

	struct timer leave, limit;
	int limit_step;
	int64_t interrupted_ms; /* when the last SIGINT came; 0: none did */
	uint8_t in_mem[IN_BYTES];
	uint8_t out_mem[OUT_BYTES];
};

/* --- how it ends --- */

static void finish(struct session *s, int rc)
{
	if (rc < 0)
		s->e->exit = s->e->exit ? s->e->exit : FAILED;
	loop_stop(&s->loop, rc);
}

/* A line for the person, now. It must not block, and need not arrive. */
__attribute__((format(printf, 2, 3))) static void tell(struct session *s, const char *fmt, ...)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%svmtool: ", s->tty.is_raw ? "\r\n" : "");
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - 4 - (size_t)n, fmt, ap);
	va_end(ap);
	n = MIN(n, (int)sizeof(line) - 4);
	n += snprintf(line + n, 4, "%s", s->tty.is_raw ? "\r\n" : "\n");
	(void)stdio_write(&s->outlets[1].io, line, (size_t)n);
}

static const char *where(const struct session *s)
{
	return s->how->target ? s->how->target->name : "the VM";
}

/* --- to the guest --- */

static void post(struct session *s, uint8_t type, const void *data, size_t len)
{
	if (s->peer.w.fd < 0 || s->is_deaf)
		return;
	if (frame_post(&s->out, s->peer.w.fd, type, data, len) < 0) {
		s->is_deaf = 1;
		fifo_drop(&s->out, s->out.len);
	}
}

static void post_u32(struct session *s, uint8_t type, uint32_t v)
{
	uint8_t mem[4];
	struct wr w = wr_init(mem, sizeof(mem));

	wr_be32(&w, v);
	post(s, type, mem, sizeof(mem));
}

static void post_size(struct session *s)
{
	uint8_t mem[EXEC_SIZE_BYTES];

	exec_size_encode(s->tty.rows, s->tty.cols, mem);
	post(s, FRAME_RESIZE, mem, sizeof(mem));
}

/* It runs on without us. */
static void leave(struct session *s, int code)
{
	s->end->was_left = 1;
	s->code = code;
	if (s->state == AWAY) {
		finish(s, code); /* nobody to tell: what its request said is done with it */
		return;
	}
	s->state = LEAVING;
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		outlet_forget(&s->outlets[i]);
	input_pause(&s->input);
	s->input.has_ended = 1;
	post(s, FRAME_DETACH, NULL, 0);
	loop_after(&s->loop, &s->leave, LEAVE_MS);
}

static void leave_due(struct timer *t)
{
	struct session *s = CONTAINER(t, struct session, leave);

	finish(s, s->code);
}

/* --- our stdin --- */

/* As much as may be sent and goes out at once; never more than one frame waits. */
static void send_input(struct session *s)
{
	const uint8_t *data;
	size_t len;

	while (!s->is_deaf && s->out.len == 0 && s->state == RUNNING &&
	       (data = input_next(&s->input, &len)) != NULL) {
		post(s, FRAME_STDIN, data, len);
		input_sent(&s->input, len);
	}
}

/* Nonzero when there may be more to read. */
static int pass_input(struct session *s)
{
	int more;

	if (s->is_deaf || s->out.len > 0)
		return 0;
	more = input_read(&s->input);
	send_input(s);
	if (detachkeys_typed(&s->keys))
		leave(s, 0);
	return more;
}

/* --- what is waited for --- */

static struct outlet *blocked(struct session *s)
{
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		if (s->outlets[i].rest_len > 0)
			return &s->outlets[i];
	return NULL;
}

static void settle_input(struct session *s)
{
	struct input *in = &s->input;
	int wanted;

	send_input(s);
	wanted = !s->is_deaf && s->out.len == 0 && input_wants(in);
	if (!in->io.is_file && end_want(&in->end, wanted ? EPOLLIN : 0) == -EPERM)
		in->io.is_file = 1;
	if (in->io.is_file)
		while (pass_input(s))
			;
}

/* What a connection that breaks now need not bring again: else a held command would stop when the
 * guest keeps no more. Zeros in front of the request say that we say so. */
static void post_seen(struct session *s, struct exec_seen seen)
{
	uint8_t mem[EXEC_SEEN_BYTES];

	exec_seen_encode(&seen, mem);
	post(s, FRAME_SEEN, mem, sizeof(mem));
	s->said_seen = seen.out + seen.err;
}

static void say_seen(struct session *s)
{
	const struct exec_seen seen = { s->outlets[0].seen, s->outlets[1].seen };

	if (s->state == RUNNING && s->says_seen &&
	    seen.out + seen.err - s->said_seen >= EXEC_KEPT / 4)
		post_seen(s, seen);
}

static void settle(struct session *s)
{
	struct outlet *full = blocked(s);

	say_seen(s);
	if (s->has_input)
		settle_input(s);
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		end_want(&s->outlets[i].end, s->outlets[i].rest_len > 0 ? EPOLLOUT : 0);
	end_want(&s->peer, (full ? 0u : EPOLLIN) | (s->out.len == 0 ? 0u : EPOLLOUT));
}

static void input_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, input.end.w);

	(void)events;
	pass_input(s);
	settle(s);
}

/* --- a connection, and its loss --- */

static int ask(struct session *s)
{
	const struct session_how *how = s->how;
	const struct exec_attach back = { s->end->id, s->outlets[0].seen, s->outlets[1].seen, 0,
					  0 };
	const struct exec_attach *attach = s->end->id[0] ? &back : how->attach;
	uint8_t *mem = malloc(FRAME_MAX);
	long len = -ENOMEM;

	if (mem)
		len = attach ? exec_attach_encode(attach, mem, FRAME_MAX)
			     : exec_req_encode(how->start, mem, FRAME_MAX);
	s->says_seen = attach || how->start->policy != EXEC_KILL;
	if (s->says_seen)
		post_seen(s, (struct exec_seen){ 0, 0 });
	if (len > 0)
		post(s, attach ? FRAME_ATTACH : FRAME_EXEC, mem, (size_t)len);
	free(mem);
	s->state = ASKING;
	return len < 0 ? err_set(s->e, (int)len, "%s",
				 len == -EMSGSIZE
					 ? "the command and its environment are longer than 1 MiB"
					 : strerror((int)-len))
		       : 0;
}

static void hang_up(struct session *s)
{
	end_close(&s->peer);
	fifo_drop(&s->out, s->out.len);
	inbox_init(&s->in, s->in_mem, sizeof(s->in_mem));
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		outlet_forget(&s->outlets[i]); /* it was not seen, so it comes again */
	input_pause(&s->input);
	s->is_deaf = 0;
}

static void connected(struct redial *r, int fd)
{
	struct session *s = CONTAINER(r, struct session, redial);
	int rc;

	end_open(&s->peer, fd);
	rc = ask(s);
	if (rc < 0)
		finish(s, rc);
	else
		settle(s);
}

static void lost_for_good(struct session *s)
{
	finish(s, err_set(s->e, -ECONNRESET,
			  "the connection to the VM ended before the command's status came"));
}

static void gave_up(struct redial *r, int rc)
{
	(void)rc;
	lost_for_good(CONTAINER(r, struct session, redial));
}

static void come_back(struct session *s)
{
	uint32_t hold_ms = s->how->start->hold_ms;

	hang_up(s);
	s->state = AWAY;
	if (!s->lost_ms) {
		s->lost_ms = clock_ms();
		tell(s, "%s: the connection is lost; trying for %" PRIu32 " s to come back",
		     where(s), hold_ms / 1000);
	}
	redial_start(&s->redial, s->how->target,
		     s->how->start->flags & EXEC_TTY ? PORT_PTY : PORT_EXEC, s->lost_ms + hold_ms);
	settle(s);
}

static void peer_broken(struct session *s, int rc)
{
	int is_held = s->how->start && s->how->start->policy == EXEC_HOLD && s->how->target;

	if (s->state == LEAVING)
		finish(s, s->code);
	else if (rc == -EPROTO || rc == -EMSGSIZE)
		finish(s,
		       err_set(s->e, rc, "the guest's exec server sent what no such server sends"));
	else if (is_held)
		come_back(s);
	else
		lost_for_good(s);
}

/* --- frames of the guest --- */

/* Our reader has gone: the command learns it as if it had written to our pipe itself. */
static void put_out(struct session *s, struct outlet *o, int rc)
{
	if (rc == -EPIPE)
		post(s, o == &s->outlets[0] ? FRAME_STDOUT : FRAME_STDERR, NULL, 0);
	else if (rc < 0)
		finish(s, err_set(s->e, rc, "write to %s: %s", o->name, strerror(-rc)));
}

static int take_output(struct session *s, const struct frame *f)
{
	struct outlet *o = &s->outlets[f->type == FRAME_STDERR];

	if (s->state == ASKING)
		return -EPROTO;
	if (s->state == RUNNING)
		put_out(s, o, outlet_put(o, f->data, f->len));
	return 0;
}

static int take_window(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	uint32_t more = rd_be32(&r);

	if (!rd_done(&r))
		return -EPROTO;
	return s->state == LEAVING ? 0 : input_taken(&s->input, more);
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

static void lend_tty(struct session *s)
{
	s->has_tty = 1;
	tty_raw(&s->tty);
	if (s->tty.keys >= 0)
		s->input.keys = &s->keys;
	tty_resized(&s->tty); /* it may have changed on the way */
	post_size(s);
}

static int take_started(struct session *s, const struct frame *f)
{
	struct exec_started st;
	uint64_t lost = 0;

	if (s->state != ASKING || exec_started_decode(&st, f->data, f->len) < 0 ||
	    resume_at(&s->outlets[0], st.out_at, &lost) < 0 ||
	    resume_at(&s->outlets[1], st.err_at, &lost) < 0)
		return -EPROTO;
	if (s->has_input && input_begin(&s->input, st.in_at, st.window) < 0)
		return -EPROTO;
	snprintf(s->end->id, sizeof(s->end->id), "%s", st.id);
	s->state = RUNNING;
	if (s->lost_ms)
		tell(s, "%s: back after %" PRId64 " ms", where(s), clock_ms() - s->lost_ms);
	if (lost)
		tell(s, "%s: %" PRIu64 " bytes of output are not kept any more", where(s), lost);
	s->lost_ms = 0;
	redial_proven(&s->redial);
	if (s->how->only_start)
		leave(s, 0);
	else if (st.tty)
		lend_tty(s);
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		if (s->outlets[i].is_broken)
			put_out(s, &s->outlets[i], -EPIPE); /* nobody told this connection */
	return 0;
}

static int out_of_time(struct session *s, const char *what)
{
	return err_deadline(s->e, "the command did not end within its time, and %s", what);
}

static int take_exit(struct session *s, const struct frame *f)
{
	struct exec_status status;

	if (s->state == ASKING || exec_status_decode(&status, f->data, f->len) < 0)
		return -EPROTO;
	s->end->was_left = 0;
	s->end->notes = status.notes;
	if (s->how->only_start && s->state == LEAVING)
		finish(s, 0);
	else if (s->limit_step > 0)
		finish(s, out_of_time(s, "was ended"));
	else if (status.end == EXEC_LOST)
		finish(s, err_set(s->e, -ECHILD, "the guest lost the command's exit status"));
	else
		finish(s, exec_status_code(&status));
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
	/* 126 and 127 are about a command that did not start, and only about that. */
	s->e->exit = s->how->attach || s->end->id[0] ? FAILED : refusal_code(&why);
	finish(s, s->e->code);
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

/* What is in the inbox, up to a frame that our stdout does not take. */
static void take_frames(struct session *s)
{
	struct frame f;
	int rc = 0;

	while (s->loop.running && !blocked(s) && (rc = frame_next(&s->in, &f)) > 0 &&
	       (rc = take_frame(s, &f)) == 0)
		;
	if (rc < 0)
		peer_broken(s, rc);
	else if (s->loop.running)
		settle(s);
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, peer.w);
	ssize_t n;

	if (events & EPOLLOUT) {
		n = fifo_write(&s->out, w->fd);
		if (n < 0 && n != -EAGAIN) {
			s->is_deaf = 1;
			fifo_drop(&s->out, s->out.len);
		}
	}
	n = -EAGAIN;
	if ((events & ~(uint32_t)EPOLLOUT) && !blocked(s))
		n = inbox_fill(&s->in, w->fd);
	if (n == 0 || (n < 0 && n != -EAGAIN))
		peer_broken(s, n < 0 ? (int)n : -ECONNRESET);
	else
		take_frames(s);
}

static void outlet_ready(struct watch *w, uint32_t events)
{
	struct outlet *o = CONTAINER(w, struct outlet, end.w);
	struct session *s = o->owner;

	(void)events;
	put_out(s, o, outlet_flush(o));
	if (s->loop.running)
		take_frames(s);
}

/* --- time --- */

/* The command's time is over: it is asked to end, then made to, then left to the guest. */
static void limit_due(struct timer *t)
{
	static const int steps[] = { SIGTERM, SIGKILL };
	struct session *s = CONTAINER(t, struct session, limit);

	if (s->state != RUNNING || s->limit_step == COUNT(steps)) {
		finish(s, out_of_time(s, "could not be ended"));
		return;
	}
	post_u32(s, FRAME_SIGNAL, (uint32_t)steps[s->limit_step++]);
	loop_after(&s->loop, &s->limit, GRACE_MS);
	settle(s);
}

/* --- signals --- */

static void forward(struct session *s, int sig)
{
	post_u32(s, FRAME_SIGNAL, (uint32_t)sig);
}

static void told_to_end(struct session *s, int sig)
{
	int64_t now = clock_ms();

	if (s->state == LEAVING || s->state == AWAY || (s->tty.is_raw && !s->how->attach))
		finish(s, 128 + sig);
	else if (s->how->attach)
		leave(s, 128 + sig); /* what he came to look at is not his */
	else if (sig == SIGINT && s->interrupted_ms && now - s->interrupted_ms < GIVE_UP_MS)
		finish(s, GIVEN_UP);
	else
		forward(s, sig);
	if (sig == SIGINT)
		s->interrupted_ms = now;
}

/* The shell's ^Z, or somebody's TSTP, stops us; the command goes on. */
static void suspended(struct session *s, int sig)
{
	(void)sig;
	tty_restore(&s->tty, 0);
	raise(SIGSTOP);
}

/* Also after a SIGSTOP, of which we knew nothing. */
static void continued(struct session *s, int sig)
{
	(void)sig;
	if (!s->has_tty || s->state == LEAVING)
		return;
	tty_raw(&s->tty);
	tty_resized(&s->tty);
	post_size(s);
}

static void resized(struct session *s, int sig)
{
	(void)sig;
	if (s->has_tty && tty_resized(&s->tty))
		post_size(s);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	static const struct {
		int sig;
		void (*act)(struct session *s, int sig);
	} table[] = {
		{ SIGINT, told_to_end },  { SIGTERM, told_to_end }, { SIGHUP, told_to_end },
		{ SIGQUIT, told_to_end }, { SIGUSR1, forward },	    { SIGUSR2, forward },
		{ SIGTSTP, suspended },	  { SIGCONT, continued },   { SIGWINCH, resized },
	};
	struct session *s = CONTAINER(l, struct session, loop);

	for (size_t i = 0; i < COUNT(table); i++)
		if (si->ssi_signo == (uint32_t)table[i].sig)
			table[i].act(s, table[i].sig);
	if (s->loop.running)
		settle(s);
}

/* --- the whole --- */

static void init(struct session *s, int fd, const struct session_how *how)
{
	s->how = how;
	s->loop = LOOP_INIT;
	s->loop.signalled = signalled;
	s->peer = END_INIT(&s->loop, peer_ready);
	end_open(&s->peer, fd);
	inbox_init(&s->in, s->in_mem, sizeof(s->in_mem));
	fifo_init(&s->out, s->out_mem, sizeof(s->out_mem));
	redial_init(&s->redial, &s->loop);
	s->redial.connected = connected;
	s->redial.gave_up = gave_up;
	tty_init(&s->tty);
	s->keys = how->keys;
	s->has_input = !how->only_start &&
		       (how->attach || how->start->flags & (EXEC_STDIN | EXEC_TTY));
	s->input.io = s->outlets[0].io = s->outlets[1].io = (struct stdio)STDIO_NONE;
	if (how->attach) {
		s->outlets[0].seen = how->attach->out_seen;
		s->outlets[1].seen = how->attach->err_seen;
	}
	s->leave = (struct timer){ .due = leave_due };
	s->limit = (struct timer){ .due = limit_due };
}

static int open_all(struct session *s)
{
	int rc = loop_open(&s->loop);

	for (int i = 0; rc == 0 && i < (int)COUNT(s->outlets); i++) {
		s->outlets[i].owner = s;
		rc = outlet_open(&s->outlets[i], STDOUT_FILENO + i, &s->loop, outlet_ready);
	}
	if (rc == 0 && s->has_input)
		rc = input_open(&s->input, &s->loop, input_ready);
	return rc;
}

static void close_all(struct session *s)
{
	end_close(&s->peer);
	redial_stop(&s->redial);
	input_close(&s->input);
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		outlet_close(&s->outlets[i]);
	loop_close(&s->loop);
}

static int run(struct session *s)
{
	int rc = open_all(s);

	if (rc < 0)
		return err_set(s->e, rc, "standard input and output: %s", strerror(-rc));
	rc = ask(s);
	if (rc < 0)
		return rc;
	if (s->how->timeout_ms)
		loop_after(&s->loop, &s->limit, s->how->timeout_ms);
	settle(s);
	rc = loop_run(&s->loop);
	tty_restore(&s->tty, rc < 0);
	return rc;
}

int session_run(int fd, const struct session_how *how, struct session_end *end, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	sigset_t before;
	int rc;

	*end = (struct session_end){ 0 };
	if (!s) {
		fd_close(&fd);
		return err_set(e, -ENOMEM, "no memory for a session");
	}
	sigprocmask(SIG_BLOCK, NULL, &before);
	init(s, fd, how);
	s->e = e;
	s->end = end;
	rc = run(s);
	if (rc < 0 && !e->exit)
		e->exit = FAILED;
	close_all(s);
	free(s);
	/* A SIGPIPE of our own stdout may be pending: ignoring it also takes it back. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
