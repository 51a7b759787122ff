/* rng_world - a guest's driver around the entropy device: a ring at the start of `rng_ram`. */
#ifndef RNG_WORLD_H
#define RNG_WORLD_H

#include "driver.h"
#include "virtio/rng.h"

enum {
	RNG_DATA_AT = RING_BYTES,
	RNG_RAM = RNG_DATA_AT + 4 * RNG_MOST,
};

static _Alignas(16) uint8_t rng_ram[RNG_RAM];
static const struct gmem rng_mem = { .region = { { 0, RNG_RAM, rng_ram } } };
static struct rng rng;
static struct ring rng_ring;

/* A device whose driver is up, over a ring of zeroes. */
static inline void rng_begin(uint64_t features)
{
	memset(rng_ram, 0, sizeof(rng_ram));
	rng_init(&rng, &rng_mem);
	driver_begin(&rng.dev, features);
	rng_ring = driver_lay(&rng.dev, 0, rng_ram, 0);
	driver_go(&rng.dev);
}

#endif
