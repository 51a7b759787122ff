/*
 * rng - a driver of the entropy device (virtio 1.2 sections 4.1, 5.4), as small as one can be.
 */
#ifndef RNG_H
#define RNG_H

#include "bare.h"

enum { RNG_SLOT = 2, RNG_BYTES = 64, RNG_VECTORS = 2 };

struct rng {
	uint64_t common, notify, table, pending; /* where they lie */
	uint32_t msix;				 /* in configuration space */
	uint16_t used;				 /* requests that came back */
	uint8_t bytes[RNG_BYTES];
};

/* Whether it is there, and its windows are found. */
int rng_find(struct rng *r);

/* Resets it and sets its queue up, on vector 1 of its table. Whether it took that. */
int rng_up(struct rng *r);

/* One request; not waited for. */
void rng_ask(struct rng *r);

/* Waits for it by looking. Whether it came back full of something. */
int rng_answered(struct rng *r);

void rng_vector(const struct rng *r, unsigned v, uint8_t interrupt, int masked);
void rng_msix(const struct rng *r, int on, int all_masked);

#endif
