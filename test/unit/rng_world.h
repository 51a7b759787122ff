/* rng_world - a guest's driver around the entropy device: a ring at the start of `rng_ram`. */
#ifndef RNG_WORLD_H
#define RNG_WORLD_H

#include <string.h>

#include "base/util.h"
#include "virtio/rng.h"

enum {
	RNG_AVAIL_AT = 0x400,
	RNG_USED_AT = 0x800,
	RNG_DATA_AT = 0x1000,
	RNG_RAM = RNG_DATA_AT + 4 * RNG_MOST,
	RNG_UP = VDEV_ACKNOWLEDGE | VDEV_DRIVER | VDEV_FEATURES_OK,
};

static _Alignas(16) uint8_t rng_ram[RNG_RAM];
static const struct gmem rng_mem = { .region = { { 0, RNG_RAM, rng_ram } } };
static struct ring_desc *const rng_desc = (struct ring_desc *)(void *)rng_ram;
static struct ring_avail *const rng_avail = (struct ring_avail *)(void *)(rng_ram + RNG_AVAIL_AT);
static struct ring_used *const rng_used = (struct ring_used *)(void *)(rng_ram + RNG_USED_AT);
static struct rng rng;
static unsigned rng_again;

static inline void rng_count_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	(void)q;
	rng_again++;
}

/* A device whose driver is up, over a ring of zeroes. */
static inline void rng_begin(uint64_t features)
{
	struct vq *q = &rng.dev.vq[0];

	memset(rng_ram, 0, sizeof(rng_ram));
	rng_again = 0;
	rng_init(&rng, &rng_mem);
	rng.dev.again = rng_count_again;
	vdev_set_status(&rng.dev, VDEV_ACKNOWLEDGE);
	vdev_set_status(&rng.dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER);
	rng.dev.driver_features = features;
	vdev_set_status(&rng.dev, RNG_UP);
	q->avail_at = RNG_AVAIL_AT;
	q->used_at = RNG_USED_AT;
	q->enabled = 1;
	vdev_set_status(&rng.dev, RNG_UP | VDEV_DRIVER_OK);
	vdev_run(&rng.dev);
}

static inline void rng_offer(uint16_t head)
{
	rng_avail->ring[rng_avail->idx % RNG_QUEUE] = head;
	__atomic_store_n(&rng_avail->idx, (uint16_t)(rng_avail->idx + 1), __ATOMIC_RELEASE);
}

#endif
