/*
 * netd - the host end of a network device: a tap interface, or passt at the other end of a socket.
 */
#include "vmm/netd.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"

static struct netd *of(struct net_host *h)
{
	return CONTAINER(h, struct netd, host);
}

static void update_events(struct netd *d)
{
	uint32_t events = (d->wants_in ? EPOLLIN : 0) | (d->wants_out ? EPOLLOUT : 0);

	if (d->watch.fd < 0 || d->events == events)
		return;
	d->events = events;
	loop_mod(d->loop, &d->watch, events);
}

/* The interface was taken away, or passt has ended: the guest sees a cable that was pulled. */
static void unplug(struct netd *d, const char *why)
{
	if (d->watch.fd < 0)
		return;
	log_warn("%s: the other end of the network is gone: %s", d->name, why);
	loop_del(d->loop, &d->watch);
	d->watch.fd = -1;
	if (d->vhost.is_serving) {
		vhost_stop(&d->vhost);
		net_ours(d->net, 0);
	}
	if (d->wants_out)
		loop_after(d->loop, &d->tx.later, 0); /* what waited is lost with the rest */
	net_link(d->net, 0);
}

/* --- rates ---------------------------------------------------------------------------------- */

/* Nonzero: not now, and the timer will tell. */
static int must_wait(struct netd *d, struct netd_way *w)
{
	unsigned ms = ratelimit_wait(&w->limit, clock_ms());

	if (ms && w->later.at_ms == 0)
		loop_after(d->loop, &w->later, ms);
	return ms != 0;
}

static void rx_later(struct timer *t)
{
	struct netd *d = CONTAINER(t, struct netd, rx.later);

	net_readable(d->net);
	update_events(d);
}

static void tx_later(struct timer *t)
{
	net_writable(CONTAINER(t, struct netd, tx.later)->net);
}

/* --- a tap ---------------------------------------------------------------------------------- */

/* What the kernel may hand over unfinished is what the guest agreed to finish. */
static void tap_offload(struct netd *d, uint64_t features)
{
	static const struct {
		uint64_t feature;
		unsigned flag;
	} offloads[] = {
		{ NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned flags = 0;

	for (unsigned i = 0; i < COUNT(offloads); i++)
		if (features & offloads[i].feature)
			flags |= offloads[i].flag;
	if (!(flags & TUN_F_CSUM))
		flags = 0; /* a segment has none, and the kernel wants it so, too */
	if (ioctl(d->watch.fd, TUNSETOFFLOAD, (unsigned long)flags) < 0)
		log_warn("%s: set its offloads: %s", d->name, strerror(errno));
}

static int tap_agreed(struct net_host *h, uint64_t features)
{
	struct netd *d = of(h);
	int rc;

	if (d->watch.fd < 0)
		return 0;
	tap_offload(d, features);
	if (d->vhost.fd < 0)
		return 0;
	rc = vhost_serve(&d->vhost, d->watch.fd);
	log_debug("%s: its rings are served by %s", d->name,
		  rc == 0 ? "the host's kernel" : strerror(-rc));
	return rc == 0;
}

static void ring_broken(struct vhost *v)
{
	struct netd *d = CONTAINER(v, struct netd, vhost);

	vhost_stop(v);
	net_ours(d->net, 1);
}

static int tap_send(struct netd *d, struct iovec *iov, unsigned n, size_t len)
{
	ssize_t done;

	(void)len;
	do
		done = writev(d->watch.fd, iov, (int)n);
	while (done < 0 && errno == EINTR);
	/* One that the kernel does not take (the interface is down, the frame malformed) is lost. */
	return done < 0 && errno == EAGAIN ? -EAGAIN : 0;
}

static ssize_t tap_receive(struct netd *d, const struct iovec *iov, unsigned n)
{
	ssize_t got;

	do
		got = readv(d->watch.fd, iov, (int)n);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno != EAGAIN)
		unplug(d, strerror(errno));
	return got < 0 ? -EAGAIN : got;
}

/* --- passt ---------------------------------------------------------------------------------- */

static int stream_agreed(struct net_host *h, uint64_t features)
{
	(void)h;
	(void)features; /* none that concern it are offered */
	return 0;
}

static int stream_send(struct netd *d, struct iovec *iov, unsigned n, size_t len)
{
	int rc = framestream_send(&d->stream, d->watch.fd, iov, n, len);

	if (rc == -EPIPE)
		unplug(d, "it does not read any more");
	return rc == -EAGAIN ? rc : 0;
}

static ssize_t stream_receive(struct netd *d, const struct iovec *iov, unsigned n)
{
	ssize_t got = framestream_receive(&d->stream, d->watch.fd, iov, n);

	if (got == -EPIPE)
		unplug(d, "it has ended");
	else if (got == -EPROTO)
		unplug(d, "what it sends are no frames");
	return got < 0 ? -EAGAIN : got;
}

/* --- what the device asks ------------------------------------------------------------------- */

static void host_leave(struct net_host *h)
{
	vhost_stop(&of(h)->vhost);
}

static int host_send(struct net_host *h, struct iovec *iov, unsigned n, size_t len)
{
	struct netd *d = of(h);
	int rc;

	if (d->watch.fd < 0)
		return 0; /* lost */
	if (must_wait(d, &d->tx))
		return -EAGAIN;
	rc = d->is_stream ? stream_send(d, iov, n, len) : tap_send(d, iov, n, len);
	if (rc == 0)
		ratelimit_spend(&d->tx.limit, len - NET_HEADER);
	/* Also while the rest of a frame is kept. */
	d->wants_out = rc == -EAGAIN || d->stream.out_at < d->stream.out_end;
	update_events(d);
	return rc;
}

static ssize_t host_receive(struct net_host *h, const struct iovec *iov, unsigned n)
{
	struct netd *d = of(h);
	ssize_t got;

	if (d->watch.fd < 0 || must_wait(d, &d->rx))
		return -EAGAIN;
	got = d->is_stream ? stream_receive(d, iov, n) : tap_receive(d, iov, n);
	if (got > NET_HEADER)
		ratelimit_spend(&d->rx.limit, (uint64_t)got - NET_HEADER);
	return got;
}

/* While the rate keeps it waiting, the loop need not be told that there is something. */
static void host_want(struct net_host *h, int in)
{
	struct netd *d = of(h);

	d->wants_in = in && d->rx.later.at_ms == 0;
	update_events(d);
}

static void held_late(struct timer *t)
{
	net_late(CONTAINER(t, struct netd, held)->net);
}

static void host_after(struct net_host *h, unsigned ms)
{
	struct netd *d = of(h);

	if (ms)
		loop_after(d->loop, &d->held, ms);
	else
		loop_cancel(d->loop, &d->held);
}

/* --- the loop's side ------------------------------------------------------------------------ */

static void out_ready(struct netd *d)
{
	int rc = d->is_stream ? framestream_flush(&d->stream, d->watch.fd) : 0;

	if (rc == -EAGAIN)
		return;
	if (rc < 0)
		unplug(d, "it does not read any more");
	d->wants_out = 0;
	update_events(d);
	net_writable(d->net);
}

static void ready(struct watch *w, uint32_t events)
{
	struct netd *d = CONTAINER(w, struct netd, watch);

	if (events & EPOLLOUT)
		out_ready(d);
	if (events & EPOLLIN)
		net_readable(d->net);
	/* What it still had to say is read; it would be reported for ever. */
	if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN))
		unplug(d, "it has ended");
}

/* A tap whose frames pass by this loop tells of its end only together with each of them. */
static void links_changed(struct watch *w, uint32_t events)
{
	struct netd *d = CONTAINER(w, struct netd, links);
	struct pollfd tap = { .fd = d->watch.fd, .events = 0 };
	char news[64]; /* what it is does not matter, nor that one is cut, or was lost */

	(void)events;
	while (recv(w->fd, news, sizeof(news), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		;
	if (poll(&tap, 1, 0) == 1)
		unplug(d, "the interface was taken away");
}

void netd_look_out(struct netd *d, const struct spec_nic *s)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	d->links = (struct watch){ -1, links_changed };
	if (s->vhost_fd < 0)
		return;
	d->links.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (d->links.fd >= 0 && bind(d->links.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fd_close(&d->links.fd);
}

/* The kernel's own path is one that can be done without. */
static void open_vhost(struct netd *d, int fd, struct slot *slot)
{
	int rc = vhost_open(&d->vhost, fd, d->net->dev.mem, slot, d->loop);

	d->vhost.broken = ring_broken;
	if (rc == 0) {
		if (d->links.fd < 0 || loop_add(d->loop, &d->links, EPOLLIN) < 0)
			log_debug("%s: that its tap is taken away will not be seen", d->name);
		return;
	}
	log_warn("%s: vhost-net: %s: its frames pass through this process", d->name, strerror(-rc));
	d->vhost.fd = -1;
}

int netd_start(struct netd *d, struct net *n, const struct spec_nic *s, const char *name,
	       struct slot *slot, struct loop *l)
{
	int64_t now = clock_ms();

	d->is_stream = s->kind == SPEC_NIC_STREAM;
	d->host = (struct net_host){ d->is_stream ? stream_agreed : tap_agreed, host_leave, host_send,
				     host_receive, host_want, host_after };
	d->net = n;
	d->loop = l;
	d->name = name;
	d->held.due = held_late;
	d->rx.later.due = rx_later;
	d->tx.later.due = tx_later;
	d->vhost.fd = -1;
	if (s->vhost_fd >= 0)
		open_vhost(d, s->vhost_fd, slot);
	ratelimit_init(&d->rx.limit, s->rate, s->ops, now);
	ratelimit_init(&d->tx.limit, s->rate, s->ops, now);
	d->watch = (struct watch){ s->fd, ready };
	return loop_add(l, &d->watch, 0);
}
