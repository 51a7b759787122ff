/*
 * toy - a device of three queues that gives back each request as it came, for tests of what a device is behind.
 */
#ifndef TOY_H
#define TOY_H

#include "virtio/vdev.h"

enum { RAM = 0x10000, QUEUES = 3, QUEUE_MAX = 64 };

static _Alignas(16) uint8_t ram[RAM];
static const struct gmem mem = { .region = { { 0, RAM, ram } } };
static const uint8_t config[6] = { 1, 2, 3, 4, 5, 6 };

static int toy_notify(struct vdev *d, unsigned q)
{
	struct chain c;
	int rc;

	while ((rc = vq_pop(&d->vq[q], &c)) > 0)
		vq_push(&d->vq[q], &c, 0);
	return rc;
}

static const struct vdev_type toy = {
	.name = "toy",
	.id = 42,
	.nqueues = QUEUES,
	.queue_max = QUEUE_MAX,
	.notify = toy_notify,
};

#endif
