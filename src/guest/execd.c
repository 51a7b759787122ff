/*
 * execd - run commands for the host, one connection per command.
 *
 * Back-pressure is one rule: the command's pipes are read only while everything read before
 * has gone to the peer. So there is no cap on output, no copy of it grows, and a peer that
 * does not read stops the command exactly as a full pipe would.
 */
#include "guest/execd.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/end.h"
#include "base/fd.h"
#include "base/fifo.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/command.h"
#include "proto/exec.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum {
	CONNS = 64,
	IDLE_MS = 30000,
	GRACE_MS = 2000,     /* between TERM and KILL for a command nobody listens to */
	DRAIN_IDLE_MS = 200, /* silence of pipes that outlive their command */
	DRAIN_MAX_MS = 2000, /* noise of pipes that outlive their command */
	LINGER_MS = 2000,    /* for the peer to close first; see CONN_LEAVING */
	SIGNAL_MAX = 64,
	TEXT_MAX = 600,
	PAGE = 4096,

	/* After the request a peer sends at most this at once; its memory beyond is given back. */
	IN_KEPT = ALIGN_UP(FRAME_HEADER + FRAME_CHUNK, PAGE) + PAGE,
	IN_BYTES = ALIGN_UP(FRAME_HEADER + FRAME_MAX, PAGE),
	/* One chunk that the peer did not take at once, one echoed heartbeat, and then still room
	 * for every frame of ours that is short. */
	OUT_SHORT = 4096,
	OUT_BYTES = 2 * ALIGN_UP(FRAME_HEADER + FRAME_CHUNK, PAGE) + OUT_SHORT,
};

enum conn_state {
	CONN_FREE = 1 << 0, /* holds nothing */
	/* A peer is there, its request is not, or not whole. The timer limits its silence. */
	CONN_ASKING = 1 << 1,
	/* child runs, and is signalled only in this state and in CONN_ORPHANED. */
	CONN_RUNNING = 1 << 2,
	/* The status is here; the pipes may hold more. The timer limits their silence. */
	CONN_DRAINING = 1 << 3,
	/* The last frame is queued, the pipes are closed. Once it has gone we close our direction
	 * and wait for the peer to close: closing under bytes of its that are still on their way
	 * resets the connection, and a reset may overtake what it has not read yet. */
	CONN_LEAVING = 1 << 4,
	/* The peer has gone, child is being ended; the timer is its grace. */
	CONN_ORPHANED = 1 << 5,
};

struct conn;

/* What the command says on stdout or stderr. */
struct stream {
	struct end end;
	struct conn *c; /* borrowed: embeds us */
	uint8_t type;	/* of its frames */
	size_t owed;	/* bytes the command left in the pipe and that must reach the peer */
};

struct conn {
	struct execd *d; /* borrowed: the server outlives its connections */
	enum conn_state state;
	struct end peer;
	struct end input; /* the command's stdin */
	struct stream streams[2];
	struct child child;
	struct timer timer;
	struct exec_status status; /* once child has ended */
	int64_t drain_until_ms;
	int is_main, is_killed;

	struct inbox in;
	struct fifo out;
	struct fifo stdin_held; /* what the command has not taken yet */
	uint32_t window;	/* bytes of stdin the peer may still send */
	uint32_t consumed;	/* bytes of stdin gone since the window was last opened */
	int stdin_ended;
	int is_shut; /* our direction is closed */

	_Alignas(PAGE) uint8_t in_mem[IN_BYTES];
	_Alignas(PAGE) uint8_t out_mem[OUT_BYTES];
	_Alignas(PAGE) uint8_t stdin_mem[EXEC_WINDOW];
};

/* One mapping; pages that are never touched cost nothing. */
struct execd {
	struct loop *loop; /* borrowed */
	struct reap *reap; /* borrowed */
	struct execd_options options;
	struct listener listener;
	struct command_base base;
	struct exec_req req; /* decoded and used at once */
	int refusing;
	struct exec_status main_status; /* end 0: it has not ended */
	uint8_t chunk[FRAME_CHUNK];
	struct conn conns[CONNS];
};

/* --- a connection's life --- */

static int has_streams(const struct conn *c)
{
	return c->streams[0].end.w.fd >= 0 || c->streams[1].end.w.fd >= 0;
}

static void close_pipes(struct conn *c)
{
	end_close(&c->input);
	end_close(&c->streams[0].end);
	end_close(&c->streams[1].end);
}

/* The place is free again: the last line of whoever calls it. */
static void conn_release(struct conn *c)
{
	struct execd *d = c->d;
	int was_main = c->is_main;

	loop_cancel(d->loop, &c->timer);
	close_pipes(c);
	end_close(&c->peer);
	if (c->child.pid) {
		reap_del(d->reap, &c->child); /* it withstood SIGKILL so far; nobody waits longer */
		c->status = (struct exec_status){ .end = EXEC_LOST };
	}
	c->is_main = 0;
	c->state = CONN_FREE;
	listener_release(&d->listener);
	if (was_main && d->options.main_ended)
		d->options.main_ended(d->options.owner, &c->status);
	if (d->options.released)
		d->options.released(d->options.owner);
}

/* The peer has gone, or talks nonsense: nobody will hear of this command. */
static void conn_abandon(struct conn *c)
{
	if (!c->child.pid) {
		conn_release(c);
		return;
	}
	close_pipes(c);
	end_close(&c->peer);
	kill(-c->child.pid, SIGTERM);
	c->state = CONN_ORPHANED;
	loop_after(c->d->loop, &c->timer, GRACE_MS);
}

/* What this connection waits for now; after every event. */
static void conn_settle(struct conn *c)
{
	int flushed = c->out.len == 0;

	if (c->state == CONN_LEAVING && flushed && !c->is_shut) {
		shutdown(c->peer.w.fd, SHUT_WR);
		c->is_shut = 1;
		/* The main process's exit ends the VM: that waits until all of it was read. */
		if (!c->is_main)
			loop_after(c->d->loop, &c->timer, LINGER_MS);
	}
	end_want(&c->peer, EPOLLIN | (flushed ? 0u : EPOLLOUT));
	end_want(&c->input, c->stdin_held.len ? EPOLLOUT : 0);
	for (size_t i = 0; i < COUNT(c->streams); i++)
		end_want(&c->streams[i].end, flushed ? EPOLLIN : 0);
}

/* --- to the peer --- */

static int conn_send(struct conn *c, uint8_t type, const void *data, size_t len)
{
	return frame_post(&c->out, c->peer.w.fd, type, data, len);
}

static int send_u32(struct conn *c, uint8_t type, uint32_t v)
{
	uint8_t mem[4];
	struct wr w = wr_init(mem, sizeof(mem));

	wr_be32(&w, v);
	return conn_send(c, type, mem, sizeof(mem));
}

static void start_leaving(struct conn *c)
{
	loop_cancel(c->d->loop, &c->timer);
	close_pipes(c);
	c->state = CONN_LEAVING;
}

static int send_refusal(struct conn *c, const struct refusal *f)
{
	uint8_t mem[TEXT_MAX];
	long len = refusal_encode(f, mem, sizeof(mem));

	start_leaving(c);
	return len < 0 ? (int)len : conn_send(c, FRAME_ERROR, mem, (size_t)len);
}

static int send_exit(struct conn *c)
{
	uint8_t mem[EXEC_STATUS_BYTES];

	exec_status_encode(&c->status, mem);
	start_leaving(c);
	return conn_send(c, FRAME_EXIT, mem, sizeof(mem));
}

/* --- the command's stdin --- */

static void stdin_taken(struct conn *c, size_t len)
{
	c->consumed += (uint32_t)len;
}

/* Opens the peer's window in steps that are worth a frame. */
static int open_window(struct conn *c)
{
	uint32_t consumed = c->consumed;

	if (consumed < EXEC_WINDOW / 4)
		return 0;
	c->consumed = 0;
	c->window += consumed;
	return send_u32(c, FRAME_STDIN_WINDOW, consumed);
}

/* As much of what is held as the command takes now. */
static int feed(struct conn *c)
{
	ssize_t n = 0;

	while (c->stdin_held.len > 0 && n >= 0) {
		n = fifo_write(&c->stdin_held, c->input.w.fd);
		if (n > 0)
			stdin_taken(c, (size_t)n);
	}
	if (n < 0 && n != -EAGAIN) {
		/* It closed its stdin. The peer goes on sending, as into any such pipe of ours. */
		stdin_taken(c, c->stdin_held.len);
		fifo_drop(&c->stdin_held, c->stdin_held.len);
		end_close(&c->input);
	}
	if (c->stdin_ended && c->stdin_held.len == 0)
		end_close(&c->input);
	return open_window(c);
}

static int take_stdin(struct conn *c, const struct frame *f)
{
	if (f->len > c->window || (c->stdin_ended && f->len > 0))
		return -EPROTO;
	c->window -= f->len;
	if (f->len == 0)
		c->stdin_ended = 1;
	if (c->input.w.fd < 0)
		stdin_taken(c, f->len);
	else
		fifo_put(&c->stdin_held, f->data, f->len); /* fits: the window is its capacity */
	return feed(c);
}

/* --- frames of the peer --- */

static int send_started(struct conn *c)
{
	const struct exec_started started = {
		.pid = (uint32_t)c->child.pid,
		.id = c->d->req.id[0] ? c->d->req.id : "none",
		.window = c->window,
	};
	uint8_t mem[EXEC_ID_MAX + 64];
	long len = exec_started_encode(&started, mem, sizeof(mem));

	return len < 0 ? (int)len : conn_send(c, FRAME_STARTED, mem, (size_t)len);
}

static int take_exec(struct conn *c, const struct frame *f)
{
	struct execd *d = c->d;
	struct command cmd;
	struct refusal why;

	loop_cancel(d->loop, &c->timer);
	if (d->refusing) {
		why = (struct refusal){ REFUSED_SHUTDOWN, 0, "the guest is powering off" };
		return send_refusal(c, &why);
	}
	if (exec_req_decode(&d->req, f->data, f->len) < 0) {
		why = (struct refusal){ REFUSED_PROTOCOL, 0, "the request cannot be read" };
		return send_refusal(c, &why);
	}
	if (command_start(&cmd, &d->base, &d->req, &why) < 0)
		return send_refusal(c, &why);
	/* Registered in the turn of the loop that forked: its exit cannot come before this. */
	reap_add(d->reap, &c->child, cmd.pid);
	end_open(&c->input, cmd.in);
	end_open(&c->streams[0].end, cmd.out);
	end_open(&c->streams[1].end, cmd.err);
	c->window = cmd.in >= 0 ? EXEC_WINDOW : 0;
	c->is_main = (d->req.flags & EXEC_MAIN) != 0;
	c->state = CONN_RUNNING;
	return send_started(c);
}

static int take_signal(struct conn *c, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	uint32_t sig = rd_be32(&r);

	if (!rd_done(&r) || sig == 0 || sig > SIGNAL_MAX)
		return -EPROTO;
	if (c->state == CONN_RUNNING)
		kill(-c->child.pid, (int)sig);
	return 0;
}

static int take_reader_gone(struct conn *c, const struct frame *f)
{
	if (f->len > 0)
		return -EPROTO;
	end_close(&c->streams[f->type == FRAME_STDERR].end);
	return 0;
}

static int take_heartbeat(struct conn *c, const struct frame *f)
{
	if (f->len > FRAME_CHUNK)
		return -EPROTO;
	return conn_send(c, f->type, f->data, f->len);
}

static int take_frame(struct conn *c, const struct frame *f)
{
	static const struct {
		uint8_t type;
		unsigned states; /* in which it is expected */
		int (*take)(struct conn *c, const struct frame *f);
	} table[] = {
		{ FRAME_HEARTBEAT, CONN_ASKING | CONN_RUNNING | CONN_DRAINING, take_heartbeat },
		{ FRAME_EXEC, CONN_ASKING, take_exec },
		{ FRAME_STDIN, CONN_RUNNING | CONN_DRAINING, take_stdin },
		{ FRAME_SIGNAL, CONN_RUNNING | CONN_DRAINING, take_signal },
		{ FRAME_STDOUT, CONN_RUNNING | CONN_DRAINING, take_reader_gone },
		{ FRAME_STDERR, CONN_RUNNING | CONN_DRAINING, take_reader_gone },
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
	madvise(c->in_mem + IN_KEPT, IN_BYTES - IN_KEPT, MADV_DONTNEED);
}

static int take_frames(struct conn *c)
{
	ssize_t n = inbox_fill(&c->in, c->peer.w.fd);
	int asked = c->state == CONN_ASKING, big = c->in.end > IN_KEPT, rc;
	struct frame f;

	if (n <= 0)
		return n == 0 ? -ECONNRESET : n == -EAGAIN ? 0 : (int)n;
	if (asked)
		loop_after(c->d->loop, &c->timer, c->d->options.idle_ms);
	while ((rc = frame_next(&c->in, &f)) > 0) {
		rc = take_frame(c, &f);
		if (rc < 0)
			return rc;
	}
	if (asked && c->state != CONN_ASKING && big && !inbox_is_partial(&c->in))
		trim_inbox(c);
	return rc;
}

/* What can be said of nonsense is said while the peer still expects an answer. */
static int answer_nonsense(struct conn *c, int rc)
{
	static const struct refusal why = { REFUSED_PROTOCOL, 0, "a frame that cannot be" };

	if (c->state != CONN_ASKING || (rc != -EPROTO && rc != -EMSGSIZE))
		return rc;
	return send_refusal(c, &why);
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct conn *c = CONTAINER(w, struct conn, peer.w);
	int rc = 0;

	if (events & EPOLLOUT)
		rc = (int)fifo_write(&c->out, w->fd);
	if (rc == -EAGAIN)
		rc = 0;
	if (rc >= 0 && (events & ~(uint32_t)EPOLLOUT))
		rc = take_frames(c);
	if (rc < 0)
		rc = answer_nonsense(c, rc);
	if (rc < 0)
		conn_abandon(c); /* c may be free: touch nothing after this */
	else
		conn_settle(c);
}

/* --- the command's pipes and end --- */

static void input_ready(struct watch *w, uint32_t events)
{
	struct conn *c = CONTAINER(w, struct conn, input.w);

	(void)events;
	if (feed(c) < 0)
		conn_abandon(c);
	else
		conn_settle(c);
}

/* Nonzero when the command has ended and its pipes have had their time. */
static int is_drained(const struct conn *c)
{
	if (c->state != CONN_DRAINING)
		return 0;
	if (!has_streams(c))
		return 1;
	return clock_ms() >= c->drain_until_ms && !c->streams[0].owed && !c->streams[1].owed;
}

static int relay(struct conn *c, struct stream *s)
{
	ssize_t n = fd_read(s->end.w.fd, c->d->chunk, sizeof(c->d->chunk));

	if (n == -EAGAIN)
		return 0;
	if (n <= 0) {
		s->owed = 0;
		end_close(&s->end);
		return 0;
	}
	s->owed -= MIN(s->owed, (size_t)n);
	if (c->state == CONN_DRAINING)
		loop_after(c->d->loop, &c->timer, DRAIN_IDLE_MS);
	return conn_send(c, s->type, c->d->chunk, (size_t)n);
}

static void stream_ready(struct watch *w, uint32_t events)
{
	struct stream *s = CONTAINER(w, struct stream, end.w);
	struct conn *c = s->c;
	int rc = 0;

	(void)events;
	/* The other stream's handler may have queued something in this very turn. */
	if (c->out.len == 0)
		rc = relay(c, s);
	if (rc >= 0 && is_drained(c))
		rc = send_exit(c);
	if (rc < 0)
		conn_abandon(c);
	else
		conn_settle(c);
}

static void child_ended(struct child *child, const struct exec_status *status)
{
	struct conn *c = CONTAINER(child, struct conn, child);
	int rc = 0;

	c->status = *status;
	if (c->is_main)
		c->d->main_status = *status;
	if (c->state == CONN_ORPHANED) {
		conn_release(c);
		return;
	}
	c->state = CONN_DRAINING;
	c->drain_until_ms = clock_ms() + DRAIN_MAX_MS;
	for (size_t i = 0; i < COUNT(c->streams); i++) {
		int owed = 0;

		if (c->streams[i].end.w.fd >= 0)
			ioctl(c->streams[i].end.w.fd, FIONREAD, &owed);
		c->streams[i].owed = (size_t)owed;
	}
	loop_after(c->d->loop, &c->timer, DRAIN_IDLE_MS);
	if (is_drained(c))
		rc = send_exit(c);
	if (rc < 0)
		conn_abandon(c);
	else
		conn_settle(c);
}

/* --- time --- */

static void orphan_overdue(struct conn *c)
{
	if (c->is_killed) {
		conn_release(c); /* in uninterruptible sleep: the place must not wait for that */
		return;
	}
	kill(-c->child.pid, SIGKILL);
	c->is_killed = 1;
	loop_after(c->d->loop, &c->timer, GRACE_MS);
}

static void pipes_silent(struct conn *c)
{
	/* A peer that is slow to read is no silence of the pipes: they were not asked. */
	if (c->out.len > 0) {
		loop_after(c->d->loop, &c->timer, DRAIN_IDLE_MS);
		return;
	}
	if (send_exit(c) < 0)
		conn_abandon(c);
	else
		conn_settle(c);
}

static void conn_due(struct timer *t)
{
	struct conn *c = CONTAINER(t, struct conn, timer);

	if (c->state == CONN_ORPHANED)
		orphan_overdue(c);
	else if (c->state == CONN_DRAINING)
		pipes_silent(c);
	else
		conn_release(c); /* silent while asking, or not closing after the last frame */
}

/* --- the server --- */

static void conn_init(struct execd *d, struct conn *c)
{
	c->d = d;
	c->state = CONN_FREE;
	c->peer = END_INIT(d->loop, peer_ready);
	c->input = END_INIT(d->loop, input_ready);
	c->streams[0] = (struct stream){ END_INIT(d->loop, stream_ready), c, FRAME_STDOUT, 0 };
	c->streams[1] = (struct stream){ END_INIT(d->loop, stream_ready), c, FRAME_STDERR, 0 };
	c->child = (struct child){ .ended = child_ended };
	c->timer = (struct timer){ .due = conn_due };
}

static void accepted(struct listener *l, int fd)
{
	struct execd *d = CONTAINER(l, struct execd, listener);
	struct conn *c = d->conns;

	while (c->state != CONN_FREE)
		c++; /* the listener counts: one is free */
	inbox_init(&c->in, c->in_mem, FRAME_HEADER + FRAME_MAX);
	fifo_init(&c->out, c->out_mem, sizeof(c->out_mem));
	fifo_init(&c->stdin_held, c->stdin_mem, sizeof(c->stdin_mem));
	c->window = c->consumed = 0;
	c->stdin_ended = c->is_shut = 0;
	c->is_killed = 0;
	c->state = CONN_ASKING;
	end_open(&c->peer, fd);
	loop_after(d->loop, &c->timer, d->options.idle_ms);
	conn_settle(c);
}

struct execd *execd_open(struct loop *l, struct reap *r, int listen_fd,
			 const struct execd_options *o)
{
	struct execd *d;
	int rc;

	d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d == MAP_FAILED)
		return NULL;
	d->loop = l;
	d->reap = r;
	d->options = *o;
	if (d->options.idle_ms == 0)
		d->options.idle_ms = IDLE_MS;
	for (unsigned i = 0; i < CONNS; i++)
		conn_init(d, &d->conns[i]);
	rc = command_base_open(&d->base, o->vm, o->boot);
	if (rc == 0)
		rc = listener_open(&d->listener, l, listen_fd, CONNS, accepted);
	if (rc < 0) {
		command_base_close(&d->base);
		munmap(d, sizeof(*d));
		errno = -rc;
		return NULL;
	}
	return d;
}

struct listener *execd_listener(struct execd *d)
{
	return &d->listener;
}

void execd_refuse(struct execd *d)
{
	d->refusing = 1;
}

struct execd_main execd_main(const struct execd *d)
{
	struct execd_main m = { .status = d->main_status };

	for (size_t i = 0; i < CONNS; i++)
		if (d->conns[i].is_main && d->conns[i].child.pid)
			m.pid = d->conns[i].child.pid;
	return m;
}

unsigned execd_signal_all(struct execd *d, int sig)
{
	unsigned count = 0;

	for (size_t i = 0; i < CONNS; i++) {
		const struct conn *c = &d->conns[i];

		if (!c->child.pid || c->is_main)
			continue;
		count++;
		if (sig)
			kill(-c->child.pid, sig);
	}
	return count;
}

int execd_is_awaited(const struct execd *d)
{
	for (size_t i = 0; i < CONNS; i++)
		if (d->conns[i].state & (CONN_RUNNING | CONN_DRAINING | CONN_LEAVING))
			return 1;
	return 0;
}
