/*
 * tunnel - a connection that came to a forward, and its other half in the guest.
 */
#include "host/tunnel.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sparse.h"
#include "base/util.h"
#include "host/forward.h"

enum {
	STUCK_MS = 5 * 60 * 1000, /* see base/relay.h */
	DESCRIPTORS = 4096,	  /* of the agent */
	CHUNK = 128 * 1024,	  /* two packets of vsock a call */
	PAGE = 4096,
};

struct tunnel {
	struct tunnels *all;	 /* borrowed; NULL: the place is free, and all of it zero */
	struct forward *forward; /* borrowed: it stays until its last tunnel has ended */
	struct relay_port client, guest;
	struct dialling dialling;
	struct relay relay;
};

struct tunnel_place {
	struct tunnel tunnel;
	_Alignas(PAGE) uint8_t to_guest[CHUNK]; /* what was not taken yet */
	_Alignas(PAGE) uint8_t to_client[CHUNK];
};

struct tunnels {
	struct dialler *dialler;    /* borrowed */
	uint16_t free[TUNNELS_MAX]; /* a stack: the same few places serve again and again */
	unsigned nfree, count;
	uint8_t chunk[CHUNK];
	struct tunnel_place place[];
};

/* --- the end --- */

/* A client of tcp must not take it for an orderly end. */
static void close_as_reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* The last line of whoever calls it. */
static void end(struct tunnel *t)
{
	struct tunnel_place *place = CONTAINER(t, struct tunnel_place, tunnel);
	struct tunnels *all = t->all;
	struct forward *f = t->forward;

	relay_stop(&t->relay);
	dialling_cancel(&t->dialling);
	end_close(&t->client.end);
	end_close(&t->guest.end);
	madvise(place, sizeof(*place), MADV_DONTNEED);
	all->free[all->nfree++] = (uint16_t)(place - all->place);
	forward_left(f);
}

static void reset(struct tunnel *t)
{
	close_as_reset(t->client.end.w.fd);
	end(t);
}

/* --- bytes both ways --- */

static void over(struct relay *r, int why)
{
	struct tunnel *t = CONTAINER(r, struct tunnel, relay);

	/* Who has all of it, and heard that it was all, may have it in peace. */
	if (why < 0 && !r->way[1].is_told)
		reset(t);
	else
		end(t);
}

static void start_relay(struct tunnel *t)
{
	struct tunnel_place *place = CONTAINER(t, struct tunnel_place, tunnel);

	t->relay = (struct relay){
		.loop = t->all->dialler->loop,
		.way = { { .from = &t->client,
			   .to = &t->guest,
			   .rest = { place->to_guest, CHUNK, 0, 0 } },
			 { .from = &t->guest,
			   .to = &t->client,
			   .rest = { place->to_client, CHUNK, 0, 0 } } },
		.chunk = t->all->chunk,
		.chunk_len = CHUNK,
		.stuck_ms = STUCK_MS,
		.over = over,
	};
	relay_start(&t->relay);
}

/* --- on its way --- */

static void dialled(struct dialling *x, int fd, const struct err *why)
{
	struct tunnel *t = CONTAINER(x, struct tunnel, dialling);

	if (fd < 0) {
		forward_missed(t->forward, x->is_refused, why);
		reset(t);
		return;
	}
	end_want(&t->client.end, 0);
	end_open(&t->guest.end, fd);
	start_relay(t);
}

/* Only its going matters here; a half that has ended is no reason: the answer may be awaited. */
static void client_ready(struct watch *w, uint32_t events)
{
	struct tunnel *t = CONTAINER(w, struct tunnel, client.end.w);

	if ((events & (EPOLLHUP | EPOLLERR)) || relay_socket.is_gone(&t->client))
		end(t);
}

/* What no unix socket has, it does not get. Who is silent for long is asked whether he is there. */
static void set_options(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void tunnel_start(struct tunnels *all, struct forward *f, int fd)
{
	struct tunnel *t = &all->place[all->free[--all->nfree]].tunnel;
	struct loop *l = all->dialler->loop;

	*t = (struct tunnel){
		.all = all,
		.forward = f,
		.client = { .end = END_INIT(l, client_ready), .io = &relay_socket },
		/* A program with a vsock port of its own just closes it, like any. */
		.guest = { .end = END_INIT(l, NULL),
			   .io = f->to.kind == TO_VSOCK ? &relay_socket : &relay_stream },
	};
	set_options(fd);
	end_open(&t->client.end, fd);
	end_open(&t->guest.end, -1);
	if (end_want(&t->client.end, EPOLLRDHUP | EPOLLET) < 0 ||
	    dialler_dial(all->dialler, &t->dialling, &f->to, dialled) < 0)
		reset(t);
}

int tunnels_are_full(const struct tunnels *t)
{
	return t->nfree == 0;
}

/* --- the whole --- */

struct tunnels *tunnels_open(struct dialler *d)
{
	unsigned count = MIN(fd_allow(DESCRIPTORS) / 4, TUNNELS_MAX);
	size_t len = sizeof(struct tunnels) + count * sizeof(struct tunnel_place);
	struct tunnels *t = sparse_map(len);

	if (!t)
		return NULL;
	t->dialler = d;
	t->count = count;
	while (t->nfree < count) {
		t->free[t->nfree] = (uint16_t)(count - 1 - t->nfree);
		t->nfree++;
	}
	return t;
}

void tunnels_close(struct tunnels *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->count; i++)
		if (t->place[i].tunnel.all)
			reset(&t->place[i].tunnel);
	munmap(t, sizeof(*t) + t->count * sizeof(struct tunnel_place));
}
