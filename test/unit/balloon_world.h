/* balloon_world - a guest's driver around the memory balloon: a ring in the first page, and memory in two pieces. */
#ifndef BALLOON_WORLD_H
#define BALLOON_WORLD_H

#include <string.h>

#include "base/util.h"
#include "virtio/balloon.h"

enum {
	BW_PAGE = BALLOON_PAGE,
	BW_AVAIL_AT = 0x400,
	BW_USED_AT = 0x800,
	BW_LOW = 32 * BW_PAGE,
	BW_HIGH_AT = 64 * BW_PAGE, /* and nothing in between */
	BW_HIGH = 4 * BW_PAGE,
	BW_FULL = 0xaa, /* what the guest has written everywhere */
	BW_UP = VDEV_ACKNOWLEDGE | VDEV_DRIVER | VDEV_FEATURES_OK,
};

static _Alignas(BALLOON_PAGE) uint8_t bw_low[BW_LOW], bw_high[BW_HIGH];
static const struct gmem bw_mem = { .region = { { 0, BW_LOW, bw_low }, { BW_HIGH_AT, BW_HIGH, bw_high } } };
static struct ring_desc *const bw_desc = (struct ring_desc *)(void *)bw_low;
static struct ring_avail *const bw_avail = (struct ring_avail *)(void *)(bw_low + BW_AVAIL_AT);
static struct ring_used *const bw_used = (struct ring_used *)(void *)(bw_low + BW_USED_AT);
static struct balloon bw;
static unsigned bw_again;

static inline void bw_count_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	(void)q;
	bw_again++;
}

/* A device whose driver is up, with a ring of zeroes as queue `queue`. */
static inline void bw_begin(unsigned queue)
{
	struct vq *q;

	memset(bw_low, 0, BW_PAGE);
	memset(bw_low + BW_PAGE, BW_FULL, BW_LOW - BW_PAGE);
	memset(bw_high, BW_FULL, BW_HIGH);
	bw_again = 0;
	balloon_init(&bw, &bw_mem, 0);
	bw.dev.again = bw_count_again;
	vdev_set_status(&bw.dev, VDEV_ACKNOWLEDGE);
	vdev_set_status(&bw.dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER);
	bw.dev.driver_features = vdev_features(&bw.dev) & ~(VDEV_F_EVENT_IDX | VDEV_F_INDIRECT_DESC);
	vdev_set_status(&bw.dev, BW_UP);
	q = &bw.dev.vq[queue];
	q->avail_at = BW_AVAIL_AT;
	q->used_at = BW_USED_AT;
	q->enabled = 1;
	vdev_set_status(&bw.dev, BW_UP | VDEV_DRIVER_OK);
	vdev_run(&bw.dev);
}

static inline void bw_offer(uint16_t head)
{
	bw_avail->ring[bw_avail->idx % BALLOON_QUEUE] = head;
	__atomic_store_n(&bw_avail->idx, (uint16_t)(bw_avail->idx + 1), __ATOMIC_RELEASE);
}

#endif
