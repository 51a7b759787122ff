/*
 * datagrams - a peer's frames to and from a connected socket of udp: a frame is a datagram.
 */
#include "guest/datagrams.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/util.h"

enum { BURST = 16 }; /* datagrams in one turn of the loop */

void datagrams_stop(struct datagrams *g)
{
	if (g->loop)
		loop_cancel(g->loop, &g->idle);
}

/* The last line of whoever calls it. */
static void stop(struct datagrams *g, enum datagrams_end how, int err)
{
	datagrams_stop(g);
	g->over(g, how, err);
}

static void idle_due(struct timer *t)
{
	stop(CONTAINER(t, struct datagrams, idle), DATAGRAMS_SILENT, 0);
}

static void something_came(struct datagrams *g)
{
	loop_after(g->loop, &g->idle, g->idle_ms);
}

static void settle(struct datagrams *g, int inner_is_full)
{
	uint32_t peer = (inner_is_full ? 0u : EPOLLIN) | (g->peer->out.len ? EPOLLOUT : 0u);
	uint32_t inner = (g->peer->out.len ? 0u : EPOLLIN) | (inner_is_full ? EPOLLOUT : 0u);

	if (end_want(g->peer->end, peer) < 0 || end_want(g->inner, inner) < 0)
		stop(g, DATAGRAMS_PEER_GONE, 0);
}

/* What the peer has sent, until the socket takes no more; -EAGAIN then. */
static int pass(struct datagrams *g)
{
	struct frame f;
	struct inbox at = g->peer->in;
	int rc;

	while ((rc = frame_next(&g->peer->in, &f)) > 0) {
		if (f.type != FRAME_DATAGRAM)
			return -EPROTO;
		if (send(g->inner->w.fd, f.data, f.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno == EAGAIN)
				g->peer->in = at; /* again, once it takes one */
			return -errno;
		}
		at = g->peer->in;
	}
	return rc;
}

/* And what is waited for then; or how it ends. */
static void pass_on(struct datagrams *g)
{
	int rc = pass(g);

	if (rc == -EPROTO)
		stop(g, DATAGRAMS_NONSENSE, 0);
	else if (rc == -EMSGSIZE)
		stop(g, DATAGRAMS_TOO_LONG, 0);
	else if (rc < 0 && rc != -EAGAIN)
		stop(g, DATAGRAMS_REFUSED, -rc);
	else
		settle(g, rc == -EAGAIN);
}

/* Negative: the peer is gone. */
static int talk_to_peer(struct datagrams *g, uint32_t events)
{
	int rc = 0;

	if (events & EPOLLOUT)
		rc = caller_flush(g->peer);
	if (rc == 0 && (events & ~(uint32_t)EPOLLOUT))
		rc = caller_read(g->peer);
	if (rc > 0)
		something_came(g);
	return rc;
}

void datagrams_peer_ready(struct datagrams *g, uint32_t events)
{
	if (talk_to_peer(g, events) < 0)
		stop(g, DATAGRAMS_PEER_GONE, 0);
	else
		pass_on(g);
}

void datagrams_inner_ready(struct datagrams *g)
{
	ssize_t n = 0;

	/* So many at most, that nobody else waits for a flood to end. */
	for (int i = 0; i < BURST && g->peer->out.len == 0; i++) {
		n = recv(g->inner->w.fd, g->chunk, STREAM_DATAGRAM_MAX, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0)
			break;
		g->is_heard = 1;
		something_came(g);
		/* IPv6 takes 20 bytes more than anybody sends. */
		if (n <= STREAM_DATAGRAM_MAX &&
		    caller_send(g->peer, FRAME_DATAGRAM, g->chunk, n) < 0) {
			stop(g, DATAGRAMS_PEER_GONE, 0);
			return;
		}
	}
	if (n < 0 && errno != EAGAIN)
		stop(g, DATAGRAMS_REFUSED, errno);
	else
		pass_on(g); /* what waited for room */
}

void datagrams_start(struct datagrams *g)
{
	g->idle.due = idle_due;
	something_came(g);
	datagrams_peer_ready(g, EPOLLOUT);
}
