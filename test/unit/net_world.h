/*
 * net_world - a guest's driver and a host around one network device, all in arrays.
 *
 * The guest's rings lie at the start of `net_ram`. The host has frames to give (their bytes are a known
 * stream, so that one out of place is seen) and keeps the last that it was sent.
 */
#ifndef NET_WORLD_H
#define NET_WORLD_H

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "virtio/net.h"

enum {
	NET_RING = 0x2000, /* from one queue's rings to the next's */
	NET_AVAIL_AT = 0x1000,
	NET_USED_AT = 0x1400,
	NET_DATA_AT = 0x4000,
	NET_RAM = 0x80000,
	NET_UP = VDEV_ACKNOWLEDGE | VDEV_DRIVER | VDEV_FEATURES_OK,
	NET_TAKES = NET_HEADER + NET_FRAME_MAX,
};

static _Alignas(4096) uint8_t net_ram[NET_RAM];
static const struct gmem net_mem = { .region = { { 0, NET_RAM, net_ram } } };

struct net_world {
	struct net net;
	struct net_host host;
	int takes_rings; /* as vhost-net does */
	unsigned left;
	struct ring_desc *desc[2];
	struct ring_avail *avail[2];
	struct ring_used *used[2];
	unsigned again[2], interrupts, config_interrupts;
	/* the host */
	unsigned frames; /* it has to give */
	size_t frame_len; /* of each, with the header */
	unsigned given, reads;
	int is_busy; /* it takes none */
	int wants;
	unsigned after, starts;
	uint64_t features;
	unsigned sent;
	size_t sent_len;
	uint8_t sent_bytes[NET_TAKES];
};

static struct net_world w;

/* The byte at a place of the host's frame number `frame`. */
static inline uint8_t letter(unsigned frame, size_t at)
{
	return (uint8_t)((frame * 0x9e3779b9u + (uint32_t)at * 0x85ebca6bu) >> 24);
}

static inline int host_agreed(struct net_host *h, uint64_t features)
{
	(void)h;
	w.starts++;
	w.features = features;
	return w.takes_rings;
}

static inline void host_leave(struct net_host *h)
{
	(void)h;
	w.left++;
}

static inline int host_send(struct net_host *h, struct iovec *iov, unsigned n, size_t len)
{
	(void)h;
	if (w.is_busy)
		return -EAGAIN;
	w.sent++;
	w.sent_len = 0;
	for (unsigned i = 0; i < n; i++) {
		if (iov[i].iov_len > sizeof(w.sent_bytes) - w.sent_len)
			__builtin_trap();
		memcpy(w.sent_bytes + w.sent_len, iov[i].iov_base, iov[i].iov_len);
		w.sent_len += iov[i].iov_len;
	}
	if (w.sent_len != len)
		__builtin_trap();
	return 0;
}

/* As a tap does: what does not fit is cut. */
static inline ssize_t host_receive(struct net_host *h, const struct iovec *iov, unsigned n)
{
	size_t at = 0;

	(void)h;
	w.reads++;
	if (w.given == w.frames)
		return -EAGAIN;
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < iov[i].iov_len && at < w.frame_len; k++, at++)
			((uint8_t *)iov[i].iov_base)[k] = letter(w.given, at);
	w.given++;
	return (ssize_t)at;
}

static inline void host_want(struct net_host *h, int in)
{
	(void)h;
	w.wants = in;
}

static inline void host_after(struct net_host *h, unsigned ms)
{
	(void)h;
	w.after = ms;
}

static inline void count_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	w.again[q]++;
}

static inline void count_interrupt(struct vdev *dev, int q)
{
	(void)dev;
	if (q < 0)
		w.config_interrupts++;
	else
		w.interrupts++;
}

/* A driver comes up and agrees on these. */
static inline void net_up(uint64_t features)
{
	struct vdev *dev = &w.net.dev;

	memset(net_ram, 0, sizeof(net_ram));
	vdev_set_status(dev, VDEV_ACKNOWLEDGE);
	vdev_set_status(dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER);
	dev->driver_features = features | VDEV_F_VERSION_1;
	vdev_set_status(dev, NET_UP);
	for (unsigned q = 0; q < 2; q++) {
		dev->vq[q].desc_at = q * NET_RING;
		dev->vq[q].avail_at = q * NET_RING + NET_AVAIL_AT;
		dev->vq[q].used_at = q * NET_RING + NET_USED_AT;
		dev->vq[q].enabled = 1;
	}
	vdev_set_status(dev, NET_UP | VDEV_DRIVER_OK);
	vdev_run(dev);
}

static inline void net_begin_with(uint64_t features, int offloads)
{
	static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };

	w.host = (struct net_host){ host_agreed, host_leave,   host_send,
				  host_receive, host_want,    host_after };
	w.again[0] = w.again[1] = w.interrupts = w.config_interrupts = 0;
	w.frames = w.given = w.reads = w.after = w.starts = w.sent = 0;
	w.is_busy = w.wants = w.left = 0;
	w.net.lost_rx = w.net.lost_tx = 0;
	for (unsigned q = 0; q < 2; q++) {
		uint8_t *at = net_ram + q * NET_RING;

		w.desc[q] = (struct ring_desc *)(void *)at;
		w.avail[q] = (struct ring_avail *)(void *)(at + NET_AVAIL_AT);
		w.used[q] = (struct ring_used *)(void *)(at + NET_USED_AT);
	}
	net_init(&w.net, &net_mem, mac, 1500, offloads, &w.host);
	w.net.dev.again = count_again;
	w.net.dev.interrupt = count_interrupt;
	net_up(features);
}

static inline void net_begin(uint64_t features)
{
	net_begin_with(features, 1);
}

static inline void net_offer(unsigned q, uint16_t head)
{
	w.avail[q]->ring[w.avail[q]->idx % NET_QUEUE] = head;
	__atomic_store_n(&w.avail[q]->idx, (uint16_t)(w.avail[q]->idx + 1), __ATOMIC_RELEASE);
}

#endif
