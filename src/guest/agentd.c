/*
 * agentd - the host's hand in the guest: heartbeats, file copies, the orderly poweroff.
 */
#include "guest/agentd.h"

#include <errno.h>
#include <stddef.h>
#include <sys/reboot.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/util.h"
#include "proto/refusal.h"

enum { GRACE_MAX_MS = 3600 * 1000 };

int agentd_is_awaited(const struct agentd *d)
{
	for (size_t i = 0; i < AGENTD_CONNS; i++)
		if (d->conns[i].peer.w.fd >= 0 && d->conns[i].wants_synced)
			return 1;
	return 0;
}

/* The place is free again: the last line of whoever calls it. */
static void conn_release(struct agent_conn *c)
{
	struct agentd *d = c->d;

	end_close(&c->peer);
	c->wants_synced = 0;
	listener_release(&d->listener);
	if (d->poweroff)
		poweroff_check(d->poweroff);
}

static int take_heartbeat(struct agent_conn *c, const struct frame *f)
{
	return frame_post(&c->out, c->peer.w.fd, f->type, f->data, f->len);
}

static int send_refusal(struct agent_conn *c, const struct refusal *f)
{
	uint8_t mem[256];
	long len = refusal_encode(f, mem, sizeof(mem));

	return len < 0 ? (int)len
		       : frame_post(&c->out, c->peer.w.fd, FRAME_ERROR, mem, (size_t)len);
}

static int take_poweroff(struct agent_conn *c, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	uint32_t grace_ms = rd_be32(&r);

	if (!rd_done(&r) || grace_ms > GRACE_MAX_MS)
		return -EPROTO;
	if (!c->d->poweroff) {
		static const struct refusal no = { REFUSED_UNSUPPORTED, 0,
						   "this guest's power is in other hands" };

		return send_refusal(c, &no);
	}
	c->wants_synced = 1;
	if (c->d->going)
		c->d->going(c->d);
	poweroff_begin(c->d->poweroff, RB_POWER_OFF, grace_ms);
	return 0;
}

/* The copy is a child's from here on: the connection ends for us, and only for us. */
static int take_copy(struct agent_conn *c, const struct frame *f)
{
	static const struct refusal off = { REFUSED_SHUTDOWN, 0, "the guest is powering off" };
	const struct poweroff *p = c->d->poweroff;
	struct refusal no;
	int rc;

	if (inbox_is_partial(&c->in) || c->out.len > 0)
		return -EPROTO; /* what is in here would be lost */
	if (p && p->phase != POWER_ON)
		return send_refusal(c, &off);
	rc = files_take(&c->d->files, c->peer.w.fd, f, &no);
	if (rc == -EREMOTEIO)
		return send_refusal(c, &no);
	return rc < 0 ? rc : -ECONNABORTED;
}

static int take_frame(struct agent_conn *c, const struct frame *f)
{
	static const struct {
		uint8_t type;
		int (*take)(struct agent_conn *c, const struct frame *f);
	} table[] = {
		{ FRAME_HEARTBEAT, take_heartbeat },
		{ FRAME_POWEROFF, take_poweroff },
		{ FRAME_COPY_PUT, take_copy },
		{ FRAME_COPY_GET, take_copy },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].type == f->type)
			return table[i].take(c, f);
	return -EPROTO;
}

static int take_frames(struct agent_conn *c)
{
	ssize_t n = inbox_fill(&c->in, c->peer.w.fd);
	struct frame f;
	int rc;

	if (n <= 0)
		return n == -EAGAIN ? 0 : n == 0 ? -ECONNRESET : (int)n;
	while ((rc = frame_next(&c->in, &f)) > 0) {
		rc = take_frame(c, &f);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct agent_conn *c = CONTAINER(w, struct agent_conn, peer.w);
	int rc = 0;

	if (events & EPOLLOUT)
		rc = (int)fifo_write(&c->out, w->fd);
	if (rc == -EAGAIN)
		rc = 0;
	if (rc >= 0 && (events & ~(uint32_t)EPOLLOUT))
		rc = take_frames(c);
	if (rc >= 0)
		rc = end_want(&c->peer, EPOLLIN | (c->out.len ? EPOLLOUT : 0u));
	if (rc < 0)
		conn_release(c);
}

static void accepted(struct listener *l, int fd)
{
	struct agentd *d = CONTAINER(l, struct agentd, listener);
	struct agent_conn *c = d->conns;

	while (c->peer.w.fd >= 0)
		c++; /* the listener counts: one is free */
	inbox_init(&c->in, c->in_mem, sizeof(c->in_mem));
	fifo_init(&c->out, c->out_mem, sizeof(c->out_mem));
	end_open(&c->peer, fd);
	if (end_want(&c->peer, EPOLLIN) < 0)
		conn_release(c);
}

int agentd_open(struct agentd *d, struct loop *l, struct reap *r, int listen_fd, struct poweroff *p)
{
	d->poweroff = p;
	files_init(&d->files, r);
	for (size_t i = 0; i < AGENTD_CONNS; i++) {
		d->conns[i].d = d;
		d->conns[i].peer = END_INIT(l, peer_ready);
		d->conns[i].wants_synced = 0;
	}
	return listener_open(&d->listener, l, listen_fd, AGENTD_CONNS, accepted);
}

void agentd_say_synced(struct agentd *d)
{
	for (size_t i = 0; i < AGENTD_CONNS; i++) {
		struct agent_conn *c = &d->conns[i];

		if (c->peer.w.fd < 0 || !c->wants_synced)
			continue;
		if (frame_post(&c->out, c->peer.w.fd, FRAME_SYNCED, NULL, 0) < 0)
			c->wants_synced = 0; /* gone; its handler will find out */
		else if (c->out.len == 0)
			shutdown(c->peer.w.fd, SHUT_WR); /* our last word; it closes on that */
		end_want(&c->peer, EPOLLIN | (c->out.len ? EPOLLOUT : 0u));
	}
}
