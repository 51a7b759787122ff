/*
 * net - the network device (virtio 1.2 section 5.1): Ethernet frames to and from the guest.
 */
#include "virtio/net.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

enum {
	BUDGET = 64, /* frames a turn */

	/* header.flags */
	NEEDS_CSUM = 1,
	/* header.gso_type */
	GSO_NONE = 0,
	GSO_TCPV4 = 1,
	GSO_TCPV6 = 4,
	GSO_ECN = 0x80,

	VLAN = 4, /* bytes of a tag */
	NUM_BUFFERS_AT = 10,
};

/* A sender can have as many as it likes: the first is told, and then each power of two. */
static void count_lost(uint64_t *lost, const char *which)
{
	++*lost;
	if ((*lost & (*lost - 1)) == 0)
		log_debug("net: %s frames dropped: %" PRIu64, which, *lost);
}

static int agreed(const struct net *n, uint64_t feature)
{
	return (n->dev.driver_features & feature) == feature;
}

/* --- to the guest --------------------------------------------------------------------------- */

/* Room for the longest frame that can come. Without merged buffers a frame is in one or nowhere. */
static uint64_t rx_need(const struct net *n)
{
	if (!agreed(n, NET_F_MRG_RXBUF))
		return 1;
	if (n->dev.driver_features & (NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6))
		return NET_HEADER + NET_FRAME_MAX;
	return NET_HEADER + NET_FRAME_MIN + VLAN + (n->config.mtu ? n->config.mtu : 1500u);
}

static void rx_forget_held(struct net *n)
{
	n->held = 0;
	n->host->after(n->host, 0);
}

/* All len bytes are in the window. */
static void rx_give(struct net *n, size_t len)
{
	unsigned buffers = rxwindow_buffers(&n->window, len);
	uint16_t count = agreed(n, NET_F_MRG_RXBUF) ? (uint16_t)buffers : 1;

	rxwindow_write(&n->window, NUM_BUFFERS_AT, &count, sizeof(count));
	rxwindow_give(&n->window, &n->dev.vq[NET_RX], buffers, len);
}

/* A frame longer than the window: the rest of its buffers may be on its way. */
static void rx_hold(struct net *n, size_t len)
{
	if (!agreed(n, NET_F_MRG_RXBUF) || len > n->window.room + sizeof(n->spill)) {
		count_lost(&n->lost_rx, "too long");
		return;
	}
	n->held = len;
	n->in_place = n->window.room;
	n->host->after(n->host, NET_HELD_MS);
}

/* 1: the frame that waited is through, or lost; -ENOBUFS: it still waits. */
static int rx_go_on(struct net *n, int is_full)
{
	if (n->window.room < n->held && !is_full)
		return -ENOBUFS;
	if (n->window.room >= n->held) {
		rxwindow_write(&n->window, n->in_place, n->spill, n->held - n->in_place);
		rx_give(n, n->held);
	} else {
		count_lost(&n->lost_rx, "too long"); /* for buffers in such small pieces */
	}
	rx_forget_held(n);
	return 1;
}

/* 1: a frame went to the guest, or was lost; 0: the host has none; -ENOBUFS: the guest has no room;
 * -EPROTO. */
static int rx_one(struct net *n)
{
	const struct iovec *iov;
	unsigned count;
	ssize_t len;
	int rc = rxwindow_fill(&n->window, &n->dev.vq[NET_RX], MAX(rx_need(n), (uint64_t)n->held));

	if (rc < 0)
		return rc;
	if (n->held)
		return rx_go_on(n, rc);
	if (n->window.count == 0)
		return -ENOBUFS;
	iov = rxwindow_spans(&n->window, (struct iovec){ n->spill, sizeof(n->spill) }, &count);
	len = n->host->receive(n->host, iov, count);
	if (len < 0)
		return 0;
	if (len < NET_HEADER + NET_FRAME_MIN)
		count_lost(&n->lost_rx, "too short");
	else if ((uint64_t)len > n->window.room)
		rx_hold(n, (size_t)len);
	else
		rx_give(n, (size_t)len);
	return 1;
}

static int rx_notify(struct net *n)
{
	struct vq *q = &n->dev.vq[NET_RX];
	int rc, left = BUDGET;

	vq_ignore(q);
	do {
		rc = rx_one(n);
		if (rc == -ENOBUFS && vq_listen(q))
			rc = 1;
	} while (rc > 0 && --left);
	vdev_signal(&n->dev, NET_RX);
	if (rc == -EPROTO)
		return rc;
	/* What waits for room is not asked for again and again. */
	n->host->want(n->host, rc >= 0);
	return rc > 0;
}

/* --- from the guest ------------------------------------------------------------------------- */

static int gso_fits(const struct net *n, const struct net_header *h)
{
	uint8_t type = h->gso_type & (uint8_t)~GSO_ECN;

	if (type == GSO_NONE)
		return h->gso_type == GSO_NONE;
	if ((type != GSO_TCPV4 || !agreed(n, NET_F_HOST_TSO4)) &&
	    (type != GSO_TCPV6 || !agreed(n, NET_F_HOST_TSO6)))
		return 0;
	if (h->gso_type & GSO_ECN && !agreed(n, NET_F_HOST_ECN))
		return 0;
	return h->gso_size > 0 && h->flags & NEEDS_CSUM; /* section 5.1.6.2.1 */
}

/* The host's kernel is to believe it: only what was agreed on gets there, and only our copy. */
static int header_fits(const struct net *n, struct net_header *h, size_t frame)
{
	h->flags &= NEEDS_CSUM; /* others are to be passed over: section 5.1.6.2.2 */
	h->num_buffers = 0;
	if (!gso_fits(n, h))
		return 0;
	if (!(h->flags & NEEDS_CSUM))
		return 1;
	return agreed(n, NET_F_CSUM) && (size_t)h->csum_start + h->csum_offset + 2 <= frame;
}

/* 0: it is through with, or never was a frame; -EAGAIN. */
static int tx_frame(struct net *n, const struct chain *c)
{
	struct iovec iov[1 + VQ_SEGS];
	uint64_t len = chain_readable(c);
	struct net_header h;

	if (c->nwrite > 0 || len < NET_HEADER + NET_FRAME_MIN || len > NET_HEADER + NET_FRAME_MAX) {
		count_lost(&n->lost_tx, "the guest's malformed");
		return 0;
	}
	chain_read(c, 0, &h, sizeof(h));
	if (!header_fits(n, &h, len - NET_HEADER)) {
		count_lost(&n->lost_tx, "the guest's malformed");
		return 0;
	}
	iov[0] = (struct iovec){ &h, sizeof(h) };
	return n->host->send(n->host, iov,
			     1 + chain_readable_spans(c, NET_HEADER, len - NET_HEADER, iov + 1),
			     len);
}

/* 1: a buffer was taken; 0: there is none, or the host takes none; -EPROTO. */
static int tx_one(struct net *n)
{
	struct vq *q = &n->dev.vq[NET_TX];
	struct chain c;
	int rc = vq_pop(q, &c);

	if (rc == 0)
		return vq_listen(q);
	if (rc < 0)
		return rc;
	if (tx_frame(n, &c) == -EAGAIN) {
		vq_unpop(q);
		return 0;
	}
	vq_push(q, &c, 0);
	return 1;
}

static int tx_notify(struct net *n)
{
	int rc, left = BUDGET;

	vq_ignore(&n->dev.vq[NET_TX]);
	do
		rc = tx_one(n);
	while (rc > 0 && --left);
	vdev_signal(&n->dev, NET_TX);
	return rc;
}

/* --- the device ----------------------------------------------------------------------------- */

static int net_notify(struct vdev *dev, unsigned q)
{
	struct net *n = CONTAINER(dev, struct net, dev);

	if (!n->is_running) {
		n->is_running = 1;
		n->is_theirs = n->host->agreed(n->host, dev->driver_features);
	}
	if (n->is_broken)
		return -EPROTO;
	if (n->is_theirs)
		return 0;
	return q == NET_RX ? rx_notify(n) : tx_notify(n);
}

static int net_reset(struct vdev *dev)
{
	struct net *n = CONTAINER(dev, struct net, dev);

	rx_forget_held(n);
	rxwindow_clear(&n->window);
	n->host->want(n->host, 0);
	n->host->leave(n->host);
	n->is_running = n->is_theirs = n->is_broken = 0;
	return 0;
}

/* One that broke its ring, or is about to be reset, is not told of more: it would be for ever. */
static void look(struct net *n, unsigned q)
{
	vdev_notify(&n->dev, q);
	if (!vdev_is_live(&n->dev))
		n->host->want(n->host, 0);
}

void net_readable(struct net *n)
{
	look(n, NET_RX);
}

void net_writable(struct net *n)
{
	look(n, NET_TX);
}

void net_late(struct net *n)
{
	if (!n->held)
		return;
	n->held = 0;
	count_lost(&n->lost_rx, "too long");
	look(n, NET_RX);
}

void net_ours(struct net *n, int is_broken)
{
	n->is_theirs = 0;
	n->is_broken = is_broken;
	look(n, NET_RX);
	look(n, NET_TX);
}

void net_link(struct net *n, int is_up)
{
	uint16_t status = is_up ? NET_LINK_UP : 0;

	if (n->config.status == status)
		return;
	n->config.status = status;
	vdev_reconfigured(&n->dev);
}

static const struct vdev_type net_type = {
	.name = "net",
	.id = 1,
	.nqueues = 2,
	.queue_max = NET_QUEUE,
	.features = NET_F_OFFLOADS | NET_F_MTU | NET_F_MAC | NET_F_MRG_RXBUF | NET_F_STATUS,
	.notify = net_notify,
	.reset = net_reset,
};

void net_init(struct net *n, const struct gmem *m, const uint8_t mac[6], uint16_t mtu, int offloads,
	      struct net_host *host)
{
	n->host = host;
	n->config = (struct net_config){
		.status = NET_LINK_UP,
		.max_virtqueue_pairs = 1,
		.mtu = mtu,
	};
	memcpy(n->config.mac, mac, sizeof(n->config.mac));
	n->is_running = n->is_theirs = n->is_broken = 0;
	n->held = 0;
	rxwindow_clear(&n->window);
	vdev_init(&n->dev, &net_type, m, &n->config, sizeof(n->config));
	if (mtu == 0)
		n->dev.features &= ~NET_F_MTU;
	if (!offloads)
		n->dev.features &= ~NET_F_OFFLOADS;
}
