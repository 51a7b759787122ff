/*
 * streamd - connects the host to what can be reached from the guest, one connection a stream.
 *
 * The life of a stream: its peer asks, its destination is looked up and connected to, one address
 * after the other, and from then on it is a base/relay, or for udp guest/datagrams. A place is
 * three pages; only a slow receiver makes it more. At the stream's end all of it goes back to the
 * system.
 */
#include "guest/streamd.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/relay.h"
#include "base/sparse.h"
#include "base/util.h"
#include "guest/caller.h"
#include "guest/datagrams.h"
#include "guest/lookup.h"
#include "proto/stream.h"

enum {
	IDLE_MS = 30000,
	UDP_IDLE_MS = 5 * 60 * 1000,
	STUCK_MS = 5 * 60 * 1000, /* see base/relay.h */
	BUSY_MS = 10,		  /* until a unix socket with a full backlog is tried again */
	DESCRIPTORS = 4096,	  /* for all services */
	LOOKUPS_MAX = 32,	  /* processes at a time */
	TEXT_MAX = 256,
	CHUNK = 128 * 1024, /* two packets of vsock a call, and a datagram's frame fits */
	PAGE = 4096,
};

_Static_assert(FRAME_HEADER + STREAM_DATAGRAM_MAX <= CHUNK, "a datagram is a chunk at most");

enum conn_state {
	CONN_FREE = 0, /* as memory is that was never used, or given back */
	/* A peer is there, its request is not, or not whole. The timer limits its silence. */
	CONN_ASKING,
	/* A child looks the name up. The timer is the request's own, also of the next. */
	CONN_LOOKING_UP,
	/* inner is on its way to addrs.at[trying]. */
	CONN_CONNECTING,
	/* The relay's, or the datagrams', until they say that it is over. */
	CONN_RELAYING,
	CONN_DATAGRAMS,
	CONN_LEAVING, /* as guest/caller has it */
};

struct stream_conn {
	struct streamd *d; /* borrowed: the server outlives its connections */
	enum conn_state state;
	struct relay_port peer, inner;
	struct relay relay;
	struct datagrams datagrams;
	struct timer timer, next; /* next: the address after this one has its turn */
	int64_t until_ms;	  /* the request's time */
	uint8_t kind;
	int is_opened; /* the peer has been told so */
	struct lookup lookup;
	struct addrs addrs;
	unsigned trying;
	int failed;	      /* why the last address was no good: an errno */
	struct caller caller; /* on peer's end, until it is a relay */
};

struct stream_place {
	struct stream_conn conn;
	/* What has not gone on yet: before OPENED a frame of the peer and one for it, then bytes. */
	_Alignas(PAGE) uint8_t in[CHUNK];
	_Alignas(PAGE) uint8_t out[CHUNK];
};

/* One mapping; pages that are not in use cost nothing. */
struct streamd {
	struct loop *loop; /* borrowed */
	struct reap *reap; /* borrowed */
	struct streamd_options options;
	struct listener listener;
	unsigned lookups;
	uint16_t free[STREAMD_PLACES]; /* a stack: the same few places serve again and again */
	unsigned nfree;
	uint8_t chunk[CHUNK];
	struct stream_place places[];
};

/* --- a stream's life --- */

static struct stream_place *place_of(struct stream_conn *c)
{
	return CONTAINER(c, struct stream_place, conn);
}

/* The host hears a close as a whole; a peer of tcp must not take that for an orderly end. */
static void close_as_reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void stop_looking_up(struct stream_conn *c)
{
	c->d->lookups--;
	lookup_cancel(&c->lookup);
}

/* The place is free again, and all of it zero, CONN_FREE included: the last line of whoever calls
 * it. */
static void conn_release(struct stream_conn *c)
{
	struct stream_place *place = place_of(c);
	struct streamd *d = c->d;

	if (c->state == CONN_LOOKING_UP)
		stop_looking_up(c);
	relay_stop(&c->relay);
	datagrams_stop(&c->datagrams);
	loop_cancel(d->loop, &c->timer);
	loop_cancel(d->loop, &c->next);
	end_close(&c->peer.end);
	end_close(&c->inner.end);
	madvise(place, sizeof(*place), MADV_DONTNEED);
	d->free[d->nfree++] = (uint16_t)(place - d->places);
	listener_release(&d->listener);
}

/* --- refusing --- */

static uint16_t why_of(int err)
{
	static const struct {
		int err;
		uint16_t why;
	} table[] = {
		{ ECONNREFUSED, REFUSED_CONNECTION },
		{ ECONNRESET, REFUSED_CONNECTION },
		{ EHOSTUNREACH, REFUSED_UNREACHABLE },
		{ ENETUNREACH, REFUSED_UNREACHABLE },
		{ EHOSTDOWN, REFUSED_UNREACHABLE },
		{ ENETDOWN, REFUSED_UNREACHABLE },
		{ EADDRNOTAVAIL, REFUSED_UNREACHABLE },
		{ EAFNOSUPPORT, REFUSED_UNREACHABLE },
		{ ENXIO, REFUSED_UNREACHABLE },
		{ ETIMEDOUT, REFUSED_TIMEOUT },
		{ ENOENT, REFUSED_NOT_FOUND },
		{ ENOTDIR, REFUSED_NOT_FOUND },
		{ EMFILE, REFUSED_LIMIT },
		{ ENFILE, REFUSED_LIMIT },
		{ ENOMEM, REFUSED_LIMIT },
		{ ENOBUFS, REFUSED_LIMIT },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].err == err)
			return table[i].why;
	return REFUSED_FAILED;
}

/* The last line of whoever calls it: c may be free afterwards. */
static void refuse(struct stream_conn *c, uint16_t why, int err, const char *text)
{
	const struct refusal f = { why, (uint32_t)err, text };

	end_close(&c->inner.end);
	loop_cancel(c->d->loop, &c->next);
	loop_after(c->d->loop, &c->timer, CALLER_LINGER_MS);
	c->state = CONN_LEAVING;
	if (caller_refuse(&c->caller, &f) < 0 || caller_settle(&c->caller) < 0)
		conn_release(c);
}

static void refuse_errno(struct stream_conn *c, int err, const char *what)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(err));
	refuse(c, why_of(err), err, text);
}

static void refuse_address(struct stream_conn *c, int err)
{
	char text[ADDR_TEXT];

	refuse_errno(c, err, addr_text(text, &c->addrs.at[c->addrs.count - 1]));
}

/* --- tcp and unix: bytes --- */

static void relay_over(struct relay *r, int why)
{
	struct stream_conn *c = CONTAINER(r, struct stream_conn, relay);

	if (why < 0) {
		log_debug("stream: reset errno=%d", -why);
		close_as_reset(c->inner.end.w.fd);
	}
	conn_release(c);
}

static void start_relay(struct stream_conn *c)
{
	struct stream_place *place = place_of(c);

	c->relay = (struct relay){
		.loop = c->d->loop,
		.way = { { .from = &c->peer, .to = &c->inner, .rest = { .mem = place->in } },
			 { .from = &c->inner, .to = &c->peer, .rest = c->caller.out } },
		.chunk = c->d->chunk,
		.chunk_len = sizeof(c->d->chunk),
		.stuck_ms = STUCK_MS,
		.over = relay_over,
	};
	/* What the peer sent behind its request lies where its request lay. */
	c->relay.way[0].rest.cap = sizeof(place->in);
	c->relay.way[0].rest.head = c->caller.in.at;
	c->relay.way[0].rest.len = c->caller.in.end - c->caller.in.at;
	relay_start(&c->relay);
}

/* --- udp: datagrams --- */

static void try_next(struct stream_conn *c);

/* Nobody listens there. What was sent to him is lost, as datagrams are; but perhaps it is the
 * other localhost who listens. */
static void inner_refused(struct stream_conn *c, int err)
{
	if (!c->datagrams.is_heard && err == ECONNREFUSED && c->trying + 1 < c->addrs.count) {
		c->failed = err;
		end_close(&c->inner.end);
		c->trying++;
		try_next(c);
		return;
	}
	refuse_errno(c, err, "the datagrams' destination");
}

static void datagrams_over(struct datagrams *g, enum datagrams_end how, int err)
{
	struct stream_conn *c = CONTAINER(g, struct stream_conn, datagrams);

	if (how == DATAGRAMS_NONSENSE)
		refuse(c, REFUSED_PROTOCOL, 0, "a frame that cannot be");
	else if (how == DATAGRAMS_TOO_LONG)
		refuse(c, REFUSED_PROTOCOL, EMSGSIZE, "a datagram of more than 65507 bytes");
	else if (how == DATAGRAMS_REFUSED)
		inner_refused(c, err);
	else
		conn_release(c);
}

static void datagram_ready(struct watch *w, uint32_t events)
{
	(void)events;
	datagrams_inner_ready(&CONTAINER(w, struct stream_conn, inner.end.w)->datagrams);
}

static void start_datagrams(struct stream_conn *c)
{
	c->inner.end.w.ready = datagram_ready;
	c->datagrams = (struct datagrams){
		.loop = c->d->loop,
		.peer = &c->caller,
		.inner = &c->inner.end,
		.chunk = c->d->chunk,
		.idle_ms = c->d->options.udp_idle_ms,
		.over = datagrams_over,
	};
	datagrams_start(&c->datagrams);
}

/* --- connecting --- */

/* Once: that the datagrams then go to the other localhost changes nothing for the peer. */
static int tell_opened(struct stream_conn *c)
{
	char text[ADDR_TEXT];
	const struct stream_opened o = { addr_text(text, &c->addrs.at[c->trying]) };
	uint8_t mem[STREAM_REQ_MAX];
	long len = stream_opened_encode(&o, mem, sizeof(mem));

	if (c->is_opened)
		return 0;
	c->is_opened = 1;
	return frame_put(&c->caller.out, FRAME_OPENED, mem, (size_t)len);
}

static void opened(struct stream_conn *c)
{
	loop_cancel(c->d->loop, &c->timer);
	loop_cancel(c->d->loop, &c->next);
	if (tell_opened(c) < 0) {
		conn_release(c);
	} else if (c->kind == STREAM_UDP) {
		c->state = CONN_DATAGRAMS;
		start_datagrams(c);
	} else {
		c->state = CONN_RELAYING;
		end_want(&c->peer.end, 0);
		end_want(&c->inner.end, 0);
		start_relay(c);
	}
}

static void inner_connected(struct watch *w, uint32_t events)
{
	struct stream_conn *c = CONTAINER(w, struct stream_conn, inner.end.w);
	int err = 0;
	socklen_t len = sizeof(err);

	(void)events;
	getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err == 0) {
		opened(c);
		return;
	}
	c->failed = err;
	end_close(&c->inner.end);
	c->trying++;
	try_next(c);
}

/* Nonzero while it is on its way, 0 when it is there; or a negative errno. */
static int connect_to(struct stream_conn *c, const union addr *a)
{
	int type = c->kind == STREAM_UDP ? SOCK_DGRAM : SOCK_STREAM, one = 1;
	int fd = socket(a->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	end_open(&c->inner.end, fd);
	if (c->kind == STREAM_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &a->any, addr_len(a)) == 0)
		return 0;
	if (errno == EINPROGRESS) {
		c->inner.end.w.ready = inner_connected;
		return end_want(&c->inner.end, EPOLLOUT) < 0 ? -ENOMEM : 1;
	}
	return -errno;
}

/* From addrs.at[trying] on, until one answers or may. Each gets its part of the time that is left:
 * one that swallows everything must not eat the others' turns. */
static void try_next(struct stream_conn *c)
{
	int rc = 0;

	for (; c->trying < c->addrs.count; c->trying++) {
		unsigned left = (unsigned)MAX(c->until_ms - clock_ms(), 1);

		rc = connect_to(c, &c->addrs.at[c->trying]);
		if (rc == 0) {
			opened(c);
			return;
		}
		c->state = CONN_CONNECTING;
		if (rc > 0) {
			loop_after(c->d->loop, &c->next, left / (c->addrs.count - c->trying));
			return;
		}
		c->failed = -rc;
		end_close(&c->inner.end);
		/* A unix socket's backlog is full, and no event says when it is not. */
		if (rc == -EAGAIN && c->kind == STREAM_UNIX) {
			loop_after(c->d->loop, &c->next, MIN(BUSY_MS, left));
			return;
		}
	}
	refuse_address(c, c->failed);
}

static void next_due(struct timer *t)
{
	struct stream_conn *c = CONTAINER(t, struct stream_conn, next);

	if (c->inner.end.w.fd >= 0) {
		c->failed = ETIMEDOUT;
		end_close(&c->inner.end);
		c->trying++;
	}
	try_next(c);
}

static void looked_up(struct lookup *l, const struct addrs *a)
{
	struct stream_conn *c = CONTAINER(l, struct stream_conn, lookup);

	c->d->lookups--;
	c->state = CONN_CONNECTING;
	c->addrs = *a;
	if (a->count == 0)
		refuse(c, REFUSED_UNREACHABLE, 0, "the guest knows no such name");
	else
		try_next(c);
}

static void look_up(struct stream_conn *c, const struct stream_req *q)
{
	int rc = -EAGAIN;

	if (c->d->lookups < LOOKUPS_MAX)
		rc = lookup_start(&c->lookup, q->address, q->port);
	if (rc < 0) {
		refuse(c, REFUSED_LIMIT, -rc, "too many names are being looked up");
		return;
	}
	c->d->lookups++;
	c->state = CONN_LOOKING_UP;
}

static void local_address(struct addrs *a, const char *path)
{
	a->count = 1;
	a->at[0].local = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(a->at[0].local.sun_path, path, strlen(path)); /* decoded: it fits */
}

static void take_open(struct stream_conn *c, const struct stream_req *q)
{
	c->kind = q->kind;
	c->trying = 0;
	c->until_ms = clock_ms() + q->timeout_ms;
	loop_after(c->d->loop, &c->timer, q->timeout_ms);
	/* From here on only whether it hangs up; what it sends waits in the socket. */
	if (end_want(&c->peer.end, EPOLLRDHUP | EPOLLET) < 0) {
		conn_release(c);
		return;
	}
	if (q->kind == STREAM_UNIX)
		local_address(&c->addrs, q->address);
	else if (!lookup_known(&c->addrs, q->address, q->port)) {
		look_up(c, q);
		return;
	}
	try_next(c);
}

/* --- the peer --- */

static void take_frame(struct stream_conn *c, const struct frame *f)
{
	struct stream_req q;

	if (f->type == FRAME_HEARTBEAT && f->len <= STREAM_REQ_MAX) {
		if (caller_send(&c->caller, f->type, f->data, f->len) < 0)
			conn_release(c);
	} else if (f->type != FRAME_OPEN) {
		refuse(c, REFUSED_PROTOCOL, 0, "a frame that cannot be");
	} else if (stream_req_decode(&q, f->data, f->len) < 0) {
		refuse(c, REFUSED_PROTOCOL, 0, "the request cannot be read");
	} else {
		take_open(c, &q);
	}
}

static void ask_on(struct stream_conn *c)
{
	int rc = caller_read(&c->caller);
	struct frame f;

	if (rc < 0)
		conn_release(c);
	if (rc <= 0)
		return;
	while (c->state == CONN_ASKING && (rc = frame_next(&c->caller.in, &f)) > 0)
		take_frame(c, &f);
	if (c->state != CONN_ASKING)
		return;
	if (rc < 0)
		refuse(c, REFUSED_PROTOCOL, 0, "a frame that cannot be");
	else if (caller_settle(&c->caller) < 0)
		conn_release(c);
}

static void leave_on(struct stream_conn *c)
{
	if (caller_await_close(&c->caller) < 0 || caller_settle(&c->caller) < 0)
		conn_release(c);
}

/* Before it is a relay. */
static void peer_ready(struct watch *w, uint32_t events)
{
	struct stream_conn *c = CONTAINER(w, struct stream_conn, peer.end.w);

	if (c->state == CONN_DATAGRAMS) {
		datagrams_peer_ready(&c->datagrams, events);
		return;
	}
	if (events & EPOLLOUT && caller_flush(&c->caller) < 0)
		conn_release(c);
	else if (c->state == CONN_ASKING)
		ask_on(c);
	else if (c->state == CONN_LEAVING)
		leave_on(c);
	else if ((events & (EPOLLHUP | EPOLLERR)) || relay_socket.is_gone(&c->peer))
		conn_release(c); /* it waits no longer; a half that has ended is no reason */
}

static void conn_due(struct timer *t)
{
	struct stream_conn *c = CONTAINER(t, struct stream_conn, timer);

	if (c->state == CONN_LOOKING_UP) {
		stop_looking_up(c);
		refuse(c, REFUSED_TIMEOUT, ETIMEDOUT, "the name was not resolved in time");
	} else if (c->state == CONN_CONNECTING) {
		c->failed = c->failed == EAGAIN ? EAGAIN : ETIMEDOUT;
		refuse(c, REFUSED_TIMEOUT, c->failed, "no answer in time");
	} else {
		conn_release(c);
	}
}

/* --- the server --- */

static void accepted(struct listener *l, int fd)
{
	struct streamd *d = CONTAINER(l, struct streamd, listener);
	struct stream_place *place = &d->places[d->free[--d->nfree]]; /* the listener counts */
	struct stream_conn *c = &place->conn;

	*c = (struct stream_conn){
		.d = d,
		.state = CONN_ASKING,
		.peer = { .end = END_INIT(d->loop, peer_ready), .io = &relay_stream },
		.inner = { .end = END_INIT(d->loop, inner_connected), .io = &relay_socket },
		.timer = { .due = conn_due },
		.next = { .due = next_due },
	};
	lookup_init(&c->lookup, d->loop, d->reap, looked_up);
	caller_init(&c->caller, &c->peer.end, place->in, FRAME_HEADER + STREAM_DATAGRAM_MAX,
		    place->out, sizeof(place->out));
	end_open(&c->peer.end, fd);
	loop_after(d->loop, &c->timer, d->options.idle_ms);
	if (end_want(&c->peer.end, EPOLLIN) < 0)
		conn_release(c);
}

/* A stream has two descriptors, and other services want some too. Process 1 is given 1024, and may
 * take 4096; what is still too few are fewer places, so that whoever comes waits outside. */
static unsigned places_for_descriptors(void)
{
	return MIN(fd_allow(DESCRIPTORS) / 3, STREAMD_PLACES);
}

struct streamd *streamd_open(struct loop *l, struct reap *r, int listen_fd,
			     const struct streamd_options *o)
{
	unsigned places = o->places ? o->places : places_for_descriptors();
	size_t len = sizeof(struct streamd) + places * sizeof(struct stream_place);
	struct streamd *d;
	int rc;

	d = sparse_map(len);
	if (!d)
		return NULL;
	d->loop = l;
	d->reap = r;
	d->options = *o;
	d->options.idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS;
	d->options.udp_idle_ms = o->udp_idle_ms ? o->udp_idle_ms : UDP_IDLE_MS;
	while (d->nfree < places) {
		d->free[d->nfree] = (uint16_t)(places - 1 - d->nfree);
		d->nfree++;
	}
	rc = listener_open(&d->listener, l, listen_fd, places, accepted);
	if (rc == 0)
		return d;
	munmap(d, len);
	errno = -rc;
	return NULL;
}

struct listener *streamd_listener(struct streamd *d)
{
	return &d->listener;
}
