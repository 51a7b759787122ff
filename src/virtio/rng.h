/*
 * rng - the entropy device (virtio 1.2 section 5.4): the host's random bytes for the guest.
 *
 * It asks getrandom(2), which does not block once the host's pool was ready, and whoever starts a
 * machine has asked before (vmm/seed). What a turn gives is bounded: the others' turn comes.
 */
#ifndef VIRTIO_RNG_H
#define VIRTIO_RNG_H

#include "virtio/vdev.h"

enum {
	RNG_QUEUE = 16,
	RNG_MOST = 64 << 10, /* bytes of one request that are filled, and of one turn */
};

struct rng {
	struct vdev dev;
};

void rng_init(struct rng *r, const struct gmem *m);

#endif
