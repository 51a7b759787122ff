/* balloon_world - a guest's driver around the memory balloon: a ring in the first page, and memory in two pieces. */
#ifndef BALLOON_WORLD_H
#define BALLOON_WORLD_H

#include "driver.h"
#include "virtio/balloon.h"

enum {
	BW_PAGE = BALLOON_PAGE,
	BW_LOW = 32 * BW_PAGE,
	BW_HIGH_AT = 64 * BW_PAGE, /* and nothing in between */
	BW_HIGH = 4 * BW_PAGE,
	BW_FULL = 0xaa, /* what the guest has written everywhere */
};

static _Alignas(BALLOON_PAGE) uint8_t bw_low[BW_LOW], bw_high[BW_HIGH];
static const struct gmem bw_mem = { .region = { { 0, BW_LOW, bw_low }, { BW_HIGH_AT, BW_HIGH, bw_high } } };
static struct balloon bw;
static struct ring bw_ring;

/* A device whose driver is up, with a ring of zeroes as queue `queue`. */
static inline void bw_begin(unsigned queue)
{
	memset(bw_low, 0, BW_PAGE);
	memset(bw_low + BW_PAGE, BW_FULL, BW_LOW - BW_PAGE);
	memset(bw_high, BW_FULL, BW_HIGH);
	balloon_init(&bw, &bw_mem, 0);
	driver_begin(&bw.dev, vdev_features(&bw.dev) & ~(VDEV_F_EVENT_IDX | VDEV_F_INDIRECT_DESC));
	bw_ring = driver_lay(&bw.dev, queue, bw_low, 0);
	driver_go(&bw.dev);
}

#endif
