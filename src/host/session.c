/*
 * session - the host's end of a command in the guest.
 *
 * Its own loop, for as long as the command runs. Back-pressure needs no buffers: output that
 * our stdout does not take now stays in the inbox, and the connection is not read until it is
 * gone; stdin is read only when it can be sent.
 */
#include "host/session.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/end.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/util.h"
#include "host/stdio.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum {
	FAILED = 125,
	GIVEN_UP = 128 + SIGINT,
	GIVE_UP_MS = 1000, /* the second ^C within this time */
	IN_BYTES = 4 * FRAME_CHUNK,
	OUT_BYTES = FRAME_HEADER + FRAME_MAX + 2 * FRAME_CHUNK, /* the request, and what follows */
};

/* Our stdout or stderr. */
struct outlet {
	struct end end;
	struct session *s; /* borrowed: embeds us */
	struct stdio io;
	uint8_t type;  /* of the frames that go here */
	int is_broken; /* our reader has gone */
};

struct session {
	struct loop loop;
	struct end peer; /* fd borrowed from the caller */
	struct inbox in;
	struct fifo out;
	int is_deaf; /* the peer takes nothing more; what it said before is still to be read */

	struct end input;
	struct stdio input_io;
	int input_ended;
	uint32_t window;

	struct outlet outlets[2];
	struct outlet *blocked; /* does not take the rest of a frame now, or NULL */
	const uint8_t *rest;	/* of that frame, in the inbox */
	size_t rest_len;

	int64_t interrupted_ms; /* when the last SIGINT came; 0: none did */
	struct err *e;
	uint8_t in_mem[IN_BYTES];
	uint8_t out_mem[OUT_BYTES];
	uint8_t chunk[FRAME_CHUNK];
};

static void finish(struct session *s, int rc)
{
	if (rc < 0)
		s->e->exit = s->e->exit ? s->e->exit : FAILED;
	loop_stop(&s->loop, rc);
}

static void finish_broken(struct session *s, int rc)
{
	if (rc == -EPROTO || rc == -EMSGSIZE)
		err_set(s->e, rc, "the guest's exec server sent what no such server sends");
	else
		err_set(s->e, rc,
			"the connection to the VM ended before the command's status came");
	finish(s, s->e->code);
}

static void post(struct session *s, uint8_t type, const void *data, size_t len)
{
	if (!s->is_deaf && frame_post(&s->out, s->peer.w.fd, type, data, len) < 0) {
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

/* --- our stdin --- */

static void end_input(struct session *s)
{
	s->input_ended = 1;
	end_want(&s->input, 0);
	post(s, FRAME_STDIN, NULL, 0);
}

/* One piece of stdin within the window. Nonzero when there may be more. */
static int pass_input(struct session *s)
{
	size_t most = MIN(s->window, sizeof(s->chunk));
	ssize_t n;

	if (s->input_ended || s->is_deaf || most == 0 || s->out.len > 0)
		return 0;
	n = stdio_read(&s->input_io, s->chunk, most);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0) {
		end_input(s); /* also EIO: a terminal whose foreground we are not */
		return 0;
	}
	s->window -= (uint32_t)n;
	post(s, FRAME_STDIN, s->chunk, (size_t)n);
	return 1;
}

/* --- what is waited for --- */

static void settle(struct session *s)
{
	int flushed = s->out.len == 0;
	uint32_t in = s->input_ended || s->is_deaf || s->window == 0 || !flushed ? 0 : EPOLLIN;

	if (!s->input_io.is_file && end_want(&s->input, in) == -EPERM)
		s->input_io.is_file = 1;
	if (s->input_io.is_file)
		while (pass_input(s))
			;
	for (size_t i = 0; i < COUNT(s->outlets); i++) {
		struct outlet *o = &s->outlets[i];

		end_want(&o->end, s->blocked == o ? EPOLLOUT : 0);
	}
	end_want(&s->peer, (s->blocked ? 0u : EPOLLIN) | (s->out.len == 0 ? 0u : EPOLLOUT));
}

/* --- frames of the guest --- */

/* 0, 1 when the outlet is full, or a negative errno that ends the session. */
static int put_out(struct session *s, struct outlet *o, const uint8_t *data, size_t len)
{
	s->blocked = NULL;
	while (len > 0 && !o->is_broken) {
		ssize_t n = stdio_write(&o->io, data, len);

		if (n == -EAGAIN) {
			s->blocked = o;
			s->rest = data;
			s->rest_len = len;
			return 1;
		}
		if (n == -EPIPE) {
			/* The command learns it as if it had written to our pipe itself. */
			o->is_broken = 1;
			post(s, o->type, NULL, 0);
			break;
		}
		if (n < 0)
			return err_set(s->e, (int)n, "write to standard %s: %s",
				       o->type == FRAME_STDOUT ? "output" : "error",
				       strerror((int)-n));
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int take_output(struct session *s, const struct frame *f)
{
	struct outlet *o = &s->outlets[f->type == FRAME_STDERR];
	int rc = put_out(s, o, f->data, f->len);

	if (rc < 0)
		finish(s, rc);
	return 0;
}

static int take_window(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	uint32_t more = rd_be32(&r);

	if (!rd_done(&r) || more > EXEC_WINDOW - s->window)
		return -EPROTO;
	s->window += more;
	return 0;
}

static int take_exit(struct session *s, const struct frame *f)
{
	struct exec_status status;

	if (exec_status_decode(&status, f->data, f->len) < 0)
		return -EPROTO;
	if (status.end == EXEC_LOST)
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
	s->e->exit = refusal_code(&why);
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
		{ FRAME_STDIN_WINDOW, take_window }, { FRAME_STARTED, ignore },
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

	while (s->loop.running && !s->blocked && (rc = frame_next(&s->in, &f)) > 0 &&
	       (rc = take_frame(s, &f)) == 0)
		;
	if (rc < 0)
		finish_broken(s, rc);
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
	if ((events & ~(uint32_t)EPOLLOUT) && !s->blocked)
		n = inbox_fill(&s->in, w->fd);
	if (n == 0 || (n < 0 && n != -EAGAIN))
		finish_broken(s, n < 0 ? (int)n : -ECONNRESET);
	else
		take_frames(s);
}

static void outlet_ready(struct watch *w, uint32_t events)
{
	struct outlet *o = CONTAINER(w, struct outlet, end.w);
	struct session *s = o->s;
	int rc;

	(void)events;
	rc = put_out(s, o, s->rest, s->rest_len);
	if (rc < 0)
		finish(s, rc);
	else
		take_frames(s);
}

static void input_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, input.w);

	(void)events;
	pass_input(s);
	settle(s);
}

/* --- signals --- */

static void interrupted(struct session *s)
{
	int64_t now = clock_ms();

	if (s->interrupted_ms && now - s->interrupted_ms < GIVE_UP_MS)
		finish(s, GIVEN_UP);
	s->interrupted_ms = now;
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct session *s = CONTAINER(l, struct session, loop);

	if (si->ssi_signo == SIGTSTP)
		raise(SIGSTOP); /* the shell's ^Z stops us; the command goes on */
	if (si->ssi_signo == SIGINT)
		interrupted(s);
	for (size_t i = 0; i < COUNT(forwarded); i++)
		if (si->ssi_signo == (uint32_t)forwarded[i])
			post_u32(s, FRAME_SIGNAL, si->ssi_signo);
	if (s->loop.running)
		settle(s);
}

/* --- the whole --- */

static int open_outlet(struct session *s, int which, uint8_t type)
{
	struct outlet *o = &s->outlets[which];
	int rc;

	o->end = END_INIT(&s->loop, outlet_ready);
	o->s = s;
	o->type = type;
	rc = stdio_open(&o->io, STDOUT_FILENO + which);
	end_open(&o->end, o->io.fd);
	return rc;
}

static int open_all(struct session *s, int fd, const struct exec_req *q)
{
	int rc = loop_open(&s->loop);

	s->loop.signalled = signalled;
	inbox_init(&s->in, s->in_mem, sizeof(s->in_mem));
	fifo_init(&s->out, s->out_mem, sizeof(s->out_mem));
	s->peer = END_INIT(&s->loop, peer_ready);
	end_open(&s->peer, fd);
	s->input = END_INIT(&s->loop, input_ready);
	s->input_ended = !(q->flags & EXEC_STDIN);
	s->window = EXEC_WINDOW;
	if (rc == 0)
		rc = open_outlet(s, 0, FRAME_STDOUT);
	if (rc == 0)
		rc = open_outlet(s, 1, FRAME_STDERR);
	if (rc == 0 && !s->input_ended) {
		rc = stdio_open(&s->input_io, STDIN_FILENO);
		end_open(&s->input, s->input_io.fd);
	}
	return rc;
}

static void close_all(struct session *s)
{
	stdio_close(&s->input_io);
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		stdio_close(&s->outlets[i].io);
	loop_close(&s->loop);
}

/* The request; it is most of the out buffer at worst, and nothing is queued before it. */
static int post_request(struct session *s, const struct exec_req *q)
{
	uint8_t *mem = malloc(FRAME_MAX);
	long len = mem ? exec_req_encode(q, mem, FRAME_MAX) : -ENOMEM;

	if (len > 0)
		post(s, FRAME_EXEC, mem, (size_t)len);
	free(mem);
	return len < 0 ? err_set(s->e, (int)len, "%s",
				 len == -EMSGSIZE
					 ? "the command and its environment are longer than 1 MiB"
					 : strerror((int)-len))
		       : 0;
}

static int run(struct session *s, int fd, const struct exec_req *q)
{
	int rc = open_all(s, fd, q);

	if (rc < 0)
		return err_set(s->e, rc, "standard input and output: %s", strerror(-rc));
	rc = post_request(s, q);
	if (rc < 0)
		return rc;
	settle(s);
	return loop_run(&s->loop);
}

int session_run(int fd, const struct exec_req *q, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	sigset_t before;
	int rc;

	if (!s)
		return err_set(e, -ENOMEM, "no memory for a session");
	s->e = e;
	s->loop = LOOP_INIT;
	s->input_io = s->outlets[0].io = s->outlets[1].io = (struct stdio)STDIO_NONE;
	sigprocmask(SIG_BLOCK, NULL, &before);
	rc = run(s, fd, q);
	if (rc < 0 && !e->exit)
		e->exit = FAILED;
	close_all(s);
	free(s);
	/* A SIGPIPE of our own stdout may be pending: ignoring it also takes it back. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int session_heartbeat(int fd, int64_t deadline_ms, struct err *e)
{
	uint8_t sent[FRAME_HEADER + 8], got[sizeof(sent)];
	size_t used = 0;

	frame_header(sent, FRAME_HEARTBEAT, 8);
	if (getrandom(sent + FRAME_HEADER, 8, 0) != 8 ||
	    send(fd, sent, sizeof(sent), MSG_NOSIGNAL) != (ssize_t)sizeof(sent))
		return err_sys(e, "heartbeat to the guest's exec server");
	while (used < sizeof(got)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - clock_ms();
		ssize_t n;

		if (left <= 0)
			return err_deadline(e, "the guest's exec server did not answer in time");
		poll(&p, 1, (int)MIN(left, 60000));
		n = fd_read(fd, got + used, sizeof(got) - used);
		if (n == -EAGAIN)
			continue;
		if (n <= 0)
			return err_set(e, n < 0 ? (int)n : -ECONNRESET,
				       "the guest's exec server closed the connection");
		used += (size_t)n;
	}
	if (memcmp(sent, got, sizeof(got)) != 0)
		return err_set(e, -EPROTO, "the guest's exec server did not echo the heartbeat");
	return 0;
}
