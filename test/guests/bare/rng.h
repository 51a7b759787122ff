/*
 * rng - a driver of the entropy device (virtio 1.2 section 5.4).
 */
#ifndef RNG_H
#define RNG_H

#include "virtio.h"

enum { RNG_SLOT = 2, RNG_BYTES = 64 };

struct rng {
	struct virtio dev;
	uint8_t bytes[RNG_BYTES];
};

int rng_find(struct rng *r);
int rng_up(struct rng *r);

/* One request; not waited for. */
void rng_ask(struct rng *r);

/* Waits for it by looking. Whether it came back full of something. */
int rng_answered(struct rng *r);

#endif
