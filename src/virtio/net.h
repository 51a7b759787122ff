/*
 * net - the network device (virtio 1.2 section 5.1): Ethernet frames to and from the guest.
 *
 * This file is the protocol: buffers off the rings, headers checked, frames handed to a `struct
 * net_host` and taken from it (vmm/netd: a tap, or passt's socket). All calls come on the loop's
 * thread. The guest is hostile, and so is whoever sends it frames: a frame that is none, or for which
 * there is no room, is dropped and counted; a broken ring is NEEDS_RESET of this device alone.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include "virtio/rxwindow.h"
#include "virtio/vdev.h"

enum {
	NET_RX = 0, /* queues */
	NET_TX = 1,
	NET_QUEUE = 256,
	NET_HEADER = 12,       /* bytes in front of each frame, with or without merged buffers */
	NET_FRAME_MIN = 14,    /* its Ethernet header */
	NET_FRAME_MAX = 65550, /* the longest IP packet behind one */
	NET_HELD_MS = 100,     /* a frame waits so long for the rest of its buffers */
	NET_LINK_UP = 1,
};

#define NET_F_CSUM	 (1ull << 0)
#define NET_F_GUEST_CSUM (1ull << 1)
#define NET_F_MTU	 (1ull << 3)
#define NET_F_MAC	 (1ull << 5)
#define NET_F_GUEST_TSO4 (1ull << 7)
#define NET_F_GUEST_TSO6 (1ull << 8)
#define NET_F_GUEST_ECN	 (1ull << 9)
#define NET_F_HOST_TSO4	 (1ull << 11)
#define NET_F_HOST_TSO6	 (1ull << 12)
#define NET_F_HOST_ECN	 (1ull << 13)
#define NET_F_MRG_RXBUF	 (1ull << 15)
#define NET_F_STATUS	 (1ull << 16)

/* What a backend without the header cannot do. */
#define NET_F_OFFLOADS \
	(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | NET_F_GUEST_ECN | \
	 NET_F_HOST_TSO4 | NET_F_HOST_TSO6 | NET_F_HOST_ECN)

/* Section 5.1.6. */
struct net_header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

/* Section 5.1.4. */
struct net_config {
	uint8_t mac[6];
	uint16_t status, max_virtqueue_pairs, mtu;
};

_Static_assert(sizeof(struct net_header) == NET_HEADER, "section 5.1.6");
_Static_assert(sizeof(struct net_config) == 12, "section 5.1.4");

struct net_host {
	/* A driver is there, and agreed on these. Nonzero: its rings are the host's own matter from here on,
	 * until leave() or net_ours(). */
	int (*agreed)(struct net_host *h, uint64_t features);
	/* The driver is leaving. */
	void (*leave)(struct net_host *h);
	/* A frame of the guest's behind its header, len bytes in all, in spans that may be used up. 0: it
	 * is on its way, or was lost on it; -EAGAIN: not now, and net_writable() follows. */
	int (*send)(struct net_host *h, struct iovec *iov, unsigned n, size_t len);
	/* The next frame, behind a header. Its bytes with that; -EAGAIN: there is none, and
	 * net_readable() follows where it is wanted. */
	ssize_t (*receive)(struct net_host *h, const struct iovec *iov, unsigned n);
	/* Whether net_readable() is to be called for frames that come. */
	void (*want)(struct net_host *h, int in);
	/* Call net_late() in ms; 0: not any more. */
	void (*after)(struct net_host *h, unsigned ms);
};

struct net {
	struct vdev dev;
	struct net_host *host; /* borrowed */
	struct net_config config;
	int is_running; /* the host knows what was agreed on */
	int is_theirs;	/* and serves the rings itself */
	int is_broken;	/* which it found broken */
	struct rxwindow window;
	size_t held;	 /* bytes of the frame that waits for more buffers; 0: none does */
	size_t in_place; /* of which so many are in the window, and the rest in spill */
	uint64_t lost_rx, lost_tx; /* frames that were dropped */
	uint8_t spill[NET_HEADER + NET_FRAME_MAX];
};

/* mtu 0: the guest is not told. offloads: the host takes the header and means it. */
void net_init(struct net *n, const struct gmem *m, const uint8_t mac[6], uint16_t mtu, int offloads,
	      struct net_host *host);

void net_readable(struct net *n);
void net_writable(struct net *n);
void net_late(struct net *n);

/* The host no longer serves the rings itself: they are served here. is_broken: for it found one broken. */
void net_ours(struct net *n, int is_broken);

/* The cable is in, or out. */
void net_link(struct net *n, int is_up);

#endif
