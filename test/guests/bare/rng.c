/*
 * rng - a driver of the entropy device.
 */
#include "rng.h"

int rng_find(struct rng *r)
{
	return virtio_find(&r->dev, RNG_SLOT, 4);
}

int rng_up(struct rng *r)
{
	return virtio_up(&r->dev, 1);
}

void rng_ask(struct rng *r)
{
	struct ring *ring = &r->dev.ring[0];

	memset(r->bytes, 0, sizeof(r->bytes));
	ring->desc[0].addr = (uintptr_t)r->bytes;
	ring->desc[0].len = RNG_BYTES;
	ring->desc[0].flags = DESC_WRITE;
	virtio_give(&r->dev, 0, 0);
}

int rng_answered(struct rng *r)
{
	enum { SECOND_US = 1000000 };
	uint8_t some = 0;

	if (!virtio_came_back(&r->dev, 0, SECOND_US))
		return 0;
	for (unsigned i = 0; i < RNG_BYTES; i++)
		some |= ((volatile uint8_t *)r->bytes)[i];
	return some != 0 && r->dev.ring[0].used.ring[(uint16_t)(r->dev.seen[0] - 1) % VIRTIO_SIZE].len == RNG_BYTES;
}
