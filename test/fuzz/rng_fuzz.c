/*
 * The entropy device under a guest that writes anything into its ring. Input: 1 byte, whether event
 * indices are agreed on; then acts of 8 bytes: a descriptor, its place and whether it is offered.
 * What was not in a buffer to be filled keeps its zeroes, and a turn gives no more than it may.
 */
#include <stdlib.h>

#include "../unit/rng_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the device may have written: what any descriptor so far was to have filled. */
static uint8_t may_fill[RNG_RAM / 64];

static void allow(const struct ring_desc *d)
{
	for (uint64_t at = d->addr; at < d->addr + d->len && at < RNG_RAM; at += 64)
		may_fill[at / 64] = 1;
}

/* Units of 64 bytes, so that a byte of input reaches all of memory, and beyond. */
static void act(const uint8_t a[8])
{
	struct ring_desc *d = &rng_ring.desc[a[0] % RNG_QUEUE];

	*d = (struct ring_desc){
		.addr = RNG_DATA_AT + (uint64_t)(a[1] | (a[2] & 31) << 8) * 64,
		.len = (uint32_t)(a[3] | (a[4] & 31) << 8) * 64,
		.flags = a[5] & (DESC_NEXT | DESC_WRITE),
		.next = a[6],
	};
	allow(d);
	if (a[7] & 1)
		ring_offer(&rng_ring, a[7] >> 1);
	if (a[7] & 128)
		rng_ring.avail->idx = (uint16_t)(rng_ring.avail->idx + a[6]);
}

static void turn(void)
{
	uint16_t before = rng_ring.used->idx;
	uint64_t given = 0;

	vdev_notify(&rng.dev, 0);
	for (uint16_t i = before; i != rng_ring.used->idx; i++)
		given += rng_ring.used->ring[i % RNG_QUEUE].len;
	if (given >= 2 * RNG_MOST)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(may_fill, 0, sizeof(may_fill));
	rng_begin(VDEV_F_VERSION_1 | (size && data[0] & 1 ? VDEV_F_EVENT_IDX : 0));
	for (size_t at = 1; at + 8 <= size && at < 1000; at += 8) {
		act(data + at);
		turn();
	}
	for (size_t at = RNG_DATA_AT; at < RNG_RAM; at++)
		if (rng_ram[at] && !may_fill[at / 64])
			abort();
	return 0;
}
