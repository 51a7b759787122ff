/*
 * execd - the connections of ports 4089 and 4090: commands for the host, with pipes or a terminal.
 */
#include "guest/execd.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/end.h"
#include "base/sparse.h"
#include "base/util.h"
#include "guest/caller.h"
#include "guest/inflow.h"
#include "guest/session.h"
#include "proto/exec.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum {
	PIPE_CONNS = 64,
	TERMINAL_CONNS = 32,
	CONNS = PIPE_CONNS + TERMINAL_CONNS,
	IDLE_MS = 30000,
	BURST = 8, /* long frames of one connection in one turn of the loop */
	PAGE = 4096,

	/* After the request nobody may send more at once, in frames of any length; and in whole ones
	 * of ours it is read. Memory beyond is given back. */
	IN_KEPT = EXEC_WINDOW / FRAME_CHUNK * (FRAME_HEADER + FRAME_CHUNK),
	IN_BYTES = ALIGN_UP(FRAME_HEADER + FRAME_MAX, PAGE),
	/* One chunk that the peer did not take at once, one echoed heartbeat, and then still room
	 * for every frame of ours that is short. */
	OUT_SHORT = 4096,
	OUT_BYTES = 2 * ALIGN_UP(FRAME_HEADER + FRAME_CHUNK, PAGE) + OUT_SHORT,
};

enum conn_state {
	CONN_FREE = 0, /* holds nothing */
	/* A peer is there, its request is not, or not whole. The timer limits its silence. */
	CONN_ASKING = 1 << 0,
	/* It watches a session. */
	CONN_ATTACHED = 1 << 1,
	/* As guest/caller has it. Of a session that ended, it is the viewer until it has closed. */
	CONN_LEAVING = 1 << 2,
};

struct conn {
	struct execd *d; /* borrowed: the server outlives its connections */
	enum execd_door door;
	enum conn_state state;
	struct end peer;
	struct viewer viewer;
	struct timer timer;
	struct caller caller;
	struct inflow inflow;
	int is_deaf; /* the peer takes nothing more */
};

/* Given back when a connection ends. */
struct bulk {
	_Alignas(PAGE) uint8_t in[IN_BYTES];
	_Alignas(PAGE) uint8_t out[OUT_BYTES];
};

/* One mapping; pages that are never touched cost nothing. */
struct execd {
	struct loop *loop; /* borrowed */
	struct sessions *sessions;
	struct execd_options options;
	struct listener doors[EXECD_DOORS];
	struct exec_req req; /* decoded and used at once */
	int refusing;
	struct conn conns[CONNS];
	struct bulk bulk[CONNS];
};

/* --- a connection's life --- */

/* The place is free again: the last line of whoever calls it. */
static void conn_release(struct conn *c)
{
	struct execd *d = c->d;
	struct bulk *bulk = &d->bulk[c - d->conns];

	loop_cancel(d->loop, &c->timer);
	end_close(&c->peer);
	madvise(bulk, sizeof(*bulk), MADV_DONTNEED);
	c->state = CONN_FREE;
	if (c->viewer.session)
		session_leave(&c->viewer);
	listener_release(&d->doors[c->door]);
	if (d->options.released)
		d->options.released(d->options.owner);
}

/* What this connection waits for now; after every event. */
static void conn_settle(struct conn *c)
{
	int was_shut = c->caller.is_shut;

	caller_settle(&c->caller);
	/* The main process's exit ends the VM: that waits until all of it was read. */
	if (c->caller.is_shut && !was_shut &&
	    (!c->viewer.session || !session_is_main(c->viewer.session)))
		loop_after(c->d->loop, &c->timer, CALLER_LINGER_MS);
}

/* --- to the peer --- */

/* A peer that cannot be told anything has gone, or will be seen to have when it is read next. */
static void turn_deaf(struct conn *c)
{
	c->is_deaf = 1;
	fifo_drop(&c->caller.out, c->caller.out.len);
	shutdown(c->peer.w.fd, SHUT_RDWR);
}

static void conn_send(struct conn *c, uint8_t type, const void *data, size_t len)
{
	if (c->is_deaf)
		return;
	if (caller_send(&c->caller, type, data, (long)len) < 0)
		turn_deaf(c);
	conn_settle(c);
}

static void start_leaving(struct conn *c)
{
	loop_cancel(c->d->loop, &c->timer);
	c->state = CONN_LEAVING;
	c->caller.is_leaving = 1;
	conn_settle(c);
}

static void send_refusal(struct conn *c, const struct refusal *f)
{
	if (!c->is_deaf && caller_refuse(&c->caller, f) < 0)
		turn_deaf(c);
	start_leaving(c);
}

static void refuse(struct conn *c, enum refusal_why why, const char *text)
{
	const struct refusal f = { (uint16_t)why, 0, text };

	send_refusal(c, &f);
}

/* --- what its session says --- */

static struct conn *conn_of(struct viewer *v)
{
	return CONTAINER(v, struct conn, viewer);
}

static int has_room(struct viewer *v)
{
	const struct conn *c = conn_of(v);

	return c->caller.out.len == 0 && !c->is_deaf;
}

static void output(struct viewer *v, uint8_t type, const void *data, size_t len)
{
	conn_send(conn_of(v), type, data, len);
}

static void window(struct viewer *v, uint32_t bytes)
{
	uint8_t mem[4];
	struct wr w = wr_init(mem, sizeof(mem));

	wr_be32(&w, bytes);
	conn_send(conn_of(v), FRAME_STDIN_WINDOW, mem, sizeof(mem));
}

static void ended(struct viewer *v, const struct exec_status *s)
{
	uint8_t mem[EXEC_STATUS_BYTES];

	exec_status_encode(s, mem);
	conn_send(conn_of(v), FRAME_EXIT, mem, sizeof(mem));
	start_leaving(conn_of(v));
}

static void taken_over(struct viewer *v)
{
	struct conn *c = conn_of(v);

	if (c->state == CONN_ATTACHED)
		refuse(c, REFUSED_TAKEN_OVER, "somebody else attached to this session");
}

static const struct viewer_type viewer_type = { has_room, output, window, ended, taken_over };

/* --- frames of the peer --- */

/* Output follows when the frame has been taken: peer_ready() sees to it. */
static void attach(struct conn *c, struct session *s, const struct exec_attach *from)
{
	struct exec_started started;
	uint8_t mem[EXEC_ID_MAX + 64];
	long len;

	if (session_attach(s, &c->viewer, from, &started) < 0) {
		refuse(c, REFUSED_CONFLICT, "this session is being ended");
		return;
	}
	c->state = CONN_ATTACHED;
	len = exec_started_encode(&started, mem, sizeof(mem));
	conn_send(c, FRAME_STARTED, mem, (size_t)len);
}

/* FNV-1a: two requests under one id differ by mistake, not by design. */
static uint64_t digest_of(const struct frame *f)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (uint32_t i = 0; i < f->len; i++)
		sum = (sum ^ f->data[i]) * 0x100000001b3;
	return sum;
}

static void start(struct conn *c, struct exec_req *q, uint64_t digest)
{
	static const struct exec_attach from_the_start = { .id = "" };
	struct refusal why;
	struct session *s;

	if (((q->flags & EXEC_TTY) != 0) != (c->door == EXECD_TERMINALS)) {
		refuse(c, REFUSED_PROTOCOL, "commands with a terminal have a port of their own");
		return;
	}
	s = session_start(c->d->sessions, q, digest, &why);
	if (s)
		attach(c, s, &from_the_start);
	else
		send_refusal(c, &why);
}

static int take_exec(struct conn *c, const struct frame *f)
{
	static const struct exec_attach all_that_is_kept = { .id = "" };
	struct execd *d = c->d;
	struct exec_req *q = &d->req;
	uint64_t digest = digest_of(f);
	struct session *s;

	loop_cancel(d->loop, &c->timer);
	if (exec_req_decode(q, f->data, f->len) < 0) {
		refuse(c, REFUSED_PROTOCOL, "the request cannot be read");
		return 0;
	}
	s = q->id[0] ? session_find(d->sessions, q->id) : NULL;
	if (s && session_is_of(s, digest))
		attach(c, s, &all_that_is_kept);
	else if (s)
		refuse(c, REFUSED_CONFLICT, "the session's id belongs to another request");
	else if (d->refusing)
		refuse(c, REFUSED_SHUTDOWN, "the guest is powering off");
	else
		start(c, q, digest);
	return 0;
}

static int take_attach(struct conn *c, const struct frame *f)
{
	struct exec_attach from;
	struct session *s;

	loop_cancel(c->d->loop, &c->timer);
	if (exec_attach_decode(&from, f->data, f->len) < 0)
		return -EPROTO;
	s = session_find(c->d->sessions, from.id);
	if (s)
		attach(c, s, &from);
	else
		refuse(c, REFUSED_NOT_FOUND, "no such session: it was ended, or never begun");
	return 0;
}

static int take_input(struct conn *c, const struct frame *f)
{
	return session_input(c->viewer.session, f->data, f->len);
}

static int take_signal(struct conn *c, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	uint32_t sig = rd_be32(&r);

	return rd_done(&r) ? session_signal(c->viewer.session, sig) : -EPROTO;
}

static int take_resize(struct conn *c, const struct frame *f)
{
	uint16_t rows, cols;

	if (exec_size_decode(&rows, &cols, f->data, f->len) < 0)
		return -EPROTO;
	return session_resize(c->viewer.session, rows, cols);
}

static int take_seen(struct conn *c, const struct frame *f)
{
	struct exec_seen seen;

	if (exec_seen_decode(&seen, f->data, f->len) < 0)
		return -EPROTO;
	if (c->state == CONN_ASKING) {
		c->viewer.says_seen = 1; /* announced: before any output */
		return 0;
	}
	return session_seen(c->viewer.session, &seen);
}

static int take_reader_gone(struct conn *c, const struct frame *f)
{
	if (f->len > 0)
		return -EPROTO;
	session_reader_gone(c->viewer.session, f->type);
	return 0;
}

static int take_detach(struct conn *c, const struct frame *f)
{
	if (f->len > 0)
		return -EPROTO;
	if (session_detach(c->viewer.session) < 0) {
		refuse(c, REFUSED_LIMIT, "the guest keeps as many sessions as it can");
		return 0;
	}
	session_leave(&c->viewer);
	start_leaving(c); /* that we close says that it is done */
	return 0;
}

static int take_heartbeat(struct conn *c, const struct frame *f)
{
	if (f->len > FRAME_CHUNK)
		return -EPROTO;
	conn_send(c, f->type, f->data, f->len);
	return 0;
}

static int take_frame(struct conn *c, const struct frame *f)
{
	static const struct {
		uint8_t type;
		unsigned states; /* in which it is expected */
		int (*take)(struct conn *c, const struct frame *f);
	} table[] = {
		{ FRAME_HEARTBEAT, CONN_ASKING | CONN_ATTACHED, take_heartbeat },
		{ FRAME_EXEC, CONN_ASKING, take_exec },
		{ FRAME_ATTACH, CONN_ASKING, take_attach },
		{ FRAME_STDIN, CONN_ATTACHED, take_input },
		{ FRAME_SIGNAL, CONN_ATTACHED, take_signal },
		{ FRAME_RESIZE, CONN_ATTACHED, take_resize },
		{ FRAME_SEEN, CONN_ASKING | CONN_ATTACHED, take_seen },
		{ FRAME_STDOUT, CONN_ATTACHED, take_reader_gone },
		{ FRAME_STDERR, CONN_ATTACHED, take_reader_gone },
		{ FRAME_DETACH, CONN_ATTACHED, take_detach },
	};

	if (c->state == CONN_LEAVING)
		return 0; /* sent before it knew that the command had ended */
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].type == f->type && (table[i].states & c->state))
			return table[i].take(c, f);
	return -EPROTO;
}

/* After the request, which alone may be long, its memory goes back to the system. */
static void trim_inbox(struct conn *c)
{
	struct inbox *in = &c->caller.in;

	if (in->end > IN_KEPT)
		madvise(in->mem + IN_KEPT, IN_BYTES - IN_KEPT, MADV_DONTNEED);
	inbox_init(in, in->mem, IN_KEPT);
}

/* Whose input it still is. */
static struct session *attached(const struct conn *c)
{
	return c->state == CONN_ATTACHED ? c->viewer.session : NULL;
}

/* The frames in the inbox; and of one that begins there and is long input, as much as is to be had.
 * 1: it is through; 0: nothing more for now. */
static int take_inbox(struct conn *c)
{
	struct session *s;
	struct frame f;
	int rc;

	while ((rc = frame_next(&c->caller.in, &f)) > 0) {
		rc = take_frame(c, &f);
		if (rc < 0)
			return rc;
		s = attached(c);
		if (s)
			inflow_expect(&c->inflow, s, &f);
	}
	s = attached(c);
	if (rc == 0 && s)
		rc = inflow_begin(&c->inflow, &c->caller.in, s);
	return rc > 0 ? inflow_go(&c->inflow, c->peer.w.fd, attached(c)) : rc;
}

static int take_frames(struct conn *c)
{
	int asked = c->state == CONN_ASKING, rc = 1;

	if (c->inflow.left > 0)
		rc = inflow_go(&c->inflow, c->peer.w.fd, attached(c));
	for (int i = 0; i < BURST && rc > 0; i++) {
		rc = c->inflow.is_expected ? caller_read_frame(&c->caller) : caller_read(&c->caller);
		if (rc <= 0)
			return rc;
		if (asked)
			loop_after(c->d->loop, &c->timer, c->d->options.idle_ms);
		rc = take_inbox(c);
	}
	if (asked && c->state != CONN_ASKING && !inbox_is_partial(&c->caller.in))
		trim_inbox(c);
	return MIN(rc, 0);
}

/* Nonzero when it was: what can be said of nonsense is said while an answer is expected. */
static int nonsense_is_answered(struct conn *c, int rc)
{
	if (c->state != CONN_ASKING || (rc != -EPROTO && rc != -EMSGSIZE))
		return 0;
	refuse(c, REFUSED_PROTOCOL, "a frame that cannot be");
	return 1;
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct conn *c = CONTAINER(w, struct conn, peer.w);
	int rc = 0;

	if (events & EPOLLOUT)
		rc = caller_flush(&c->caller);
	if (rc == 0 && (events & ~(uint32_t)EPOLLOUT))
		rc = take_frames(c);
	if (rc < 0 && !nonsense_is_answered(c, rc)) {
		conn_release(c);
		return;
	}
	if (c->state == CONN_ATTACHED)
		session_resume(c->viewer.session);
	conn_settle(c);
}

/* Silent while asking, or not closing after the last frame. */
static void conn_due(struct timer *t)
{
	conn_release(CONTAINER(t, struct conn, timer));
}

/* --- the server --- */

static void accepted(struct execd *d, enum execd_door door, int fd)
{
	struct conn *c = d->conns;
	struct bulk *bulk;

	while (c->state != CONN_FREE)
		c++; /* the listeners count: one is free */
	bulk = &d->bulk[c - d->conns];
	*c = (struct conn){
		.d = d,
		.door = door,
		.state = CONN_ASKING,
		.peer = END_INIT(d->loop, peer_ready),
		.viewer = { .type = &viewer_type },
		.timer = { .due = conn_due },
	};
	caller_init(&c->caller, &c->peer, bulk->in, FRAME_HEADER + FRAME_MAX, bulk->out,
		    sizeof(bulk->out));
	end_open(&c->peer, fd);
	loop_after(d->loop, &c->timer, d->options.idle_ms);
	conn_settle(c);
}

static void pipes_accepted(struct listener *l, int fd)
{
	accepted(CONTAINER(l, struct execd, doors[EXECD_PIPES]), EXECD_PIPES, fd);
}

static void terminal_accepted(struct listener *l, int fd)
{
	accepted(CONTAINER(l, struct execd, doors[EXECD_TERMINALS]), EXECD_TERMINALS, fd);
}

int execd_serve(struct execd *d, enum execd_door door, int listen_fd)
{
	static const struct {
		unsigned places;
		void (*accepted)(struct listener *l, int fd);
	} doors[EXECD_DOORS] = {
		[EXECD_PIPES] = { PIPE_CONNS, pipes_accepted },
		[EXECD_TERMINALS] = { TERMINAL_CONNS, terminal_accepted },
	};

	return listener_open(&d->doors[door], d->loop, listen_fd, doors[door].places,
			     doors[door].accepted);
}

struct execd *execd_open(struct loop *l, struct reap *r, const struct execd_options *o)
{
	const struct session_options of_sessions = {
		.vm = o->vm,
		.boot = o->boot,
		.grace_ms = o->grace_ms,
		.main_ended = o->main_ended,
		.owner = o->owner,
	};
	struct execd *d = sparse_map(sizeof(*d));
	int err;

	if (!d)
		return NULL;
	d->loop = l;
	d->options = *o;
	if (d->options.idle_ms == 0)
		d->options.idle_ms = IDLE_MS;
	d->sessions = sessions_open(l, r, &of_sessions);
	if (d->sessions)
		return d;
	err = errno;
	munmap(d, sizeof(*d));
	errno = err;
	return NULL;
}

struct listener *execd_listener(struct execd *d, enum execd_door door)
{
	return &d->doors[door];
}

struct sessions *execd_sessions(struct execd *d)
{
	return d->sessions;
}

void execd_refuse(struct execd *d)
{
	d->refusing = 1;
}

int execd_is_awaited(const struct execd *d)
{
	for (size_t i = 0; i < CONNS; i++)
		if (d->conns[i].state & (CONN_ATTACHED | CONN_LEAVING))
			return 1;
	return 0;
}
