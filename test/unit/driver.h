/* driver - a guest's driver of one device: it comes up over rings that lie in memory of one's own. */
#ifndef DRIVER_H
#define DRIVER_H

#include <string.h>

#include "base/util.h"
#include "virtio/vdev.h"

enum {
	RING_AVAIL_AT = 0x400,
	RING_USED_AT = 0x800,
	RING_BYTES = 0x1000,
	DRIVER_READY = VDEV_ACKNOWLEDGE | VDEV_DRIVER | VDEV_FEATURES_OK,
};

/* A ring of one queue: RING_BYTES from `at` on, in memory that begins at GPA 0. */
struct ring {
	struct ring_desc *desc;
	struct ring_avail *avail;
	struct ring_used *used;
	unsigned size;
};

static unsigned driver_again; /* turns the device asked for */

static inline void driver_count_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	(void)q;
	driver_again++;
}

/* Agrees on features with a device that is new. */
static inline void driver_begin(struct vdev *dev, uint64_t features)
{
	driver_again = 0;
	dev->again = driver_count_again;
	vdev_set_status(dev, VDEV_ACKNOWLEDGE);
	vdev_set_status(dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER);
	dev->driver_features = features;
	vdev_set_status(dev, DRIVER_READY);
}

static inline struct ring driver_lay(struct vdev *dev, unsigned q, uint8_t *ram, uint64_t at)
{
	struct vq *vq = &dev->vq[q];

	vq->desc_at = at;
	vq->avail_at = at + RING_AVAIL_AT;
	vq->used_at = at + RING_USED_AT;
	vq->enabled = 1;
	return (struct ring){
		.desc = (struct ring_desc *)(void *)(ram + at),
		.avail = (struct ring_avail *)(void *)(ram + at + RING_AVAIL_AT),
		.used = (struct ring_used *)(void *)(ram + at + RING_USED_AT),
		.size = dev->type->queue_max,
	};
}

static inline void driver_go(struct vdev *dev)
{
	vdev_set_status(dev, DRIVER_READY | VDEV_DRIVER_OK);
	vdev_run(dev);
}

static inline void ring_offer(struct ring *r, uint16_t head)
{
	r->avail->ring[r->avail->idx % r->size] = head;
	__atomic_store_n(&r->avail->idx, (uint16_t)(r->avail->idx + 1), __ATOMIC_RELEASE);
}

#endif
