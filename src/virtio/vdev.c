/*
 * vdev - what every virtio device is: queues, features, status (virtio 1.2 sections 2.1, 2.2, 3.1).
 */
#include "virtio/vdev.h"

#include <stddef.h>

#include "base/log.h"

static void forget_driver(struct vdev *dev)
{
	dev->status = 0;
	dev->reset_wanted = 0;
	dev->driver_features = 0;
	for (unsigned i = 0; i < dev->type->nqueues; i++)
		vq_reset(&dev->vq[i], dev->mem, dev->type->queue_max);
}

void vdev_init(struct vdev *dev, const struct vdev_type *type, const struct gmem *m,
	       const void *config, uint32_t config_len)
{
	*dev = (struct vdev){
		.type = type,
		.mem = m,
		.config = config,
		.config_len = config_len,
		.features = type->features,
	};
	forget_driver(dev);
}

uint64_t vdev_features(const struct vdev *dev)
{
	return dev->features | VDEV_F_INDIRECT_DESC | VDEV_F_EVENT_IDX | VDEV_F_VERSION_1;
}

/* The driver broke the protocol: it is told, and nothing of its is touched until it resets. */
static void broken(struct vdev *dev)
{
	log_debug("%s: the driver broke the ring, waiting for its reset", dev->type->name);
	dev->status |= VDEV_NEEDS_RESET;
	for (unsigned i = 0; i < dev->type->nqueues; i++)
		dev->vq[i].desc = NULL;
	if (dev->interrupt)
		dev->interrupt(dev, -1);
}

static int features_fit(const struct vdev *dev)
{
	return !(dev->driver_features & ~vdev_features(dev)) &&
	       (dev->driver_features & VDEV_F_VERSION_1);
}

static void start_queues(struct vdev *dev)
{
	for (unsigned i = 0; i < dev->type->nqueues; i++) {
		struct vq *q = &dev->vq[i];

		q->event_idx = !!(dev->driver_features & VDEV_F_EVENT_IDX);
		if (q->enabled && vq_start(q) < 0) {
			broken(dev);
			return; /* or the next ones would run on a device that waits for its reset */
		}
	}
}

int vdev_set_status(struct vdev *dev, uint8_t value)
{
	uint8_t added = value & (uint8_t)~dev->status;

	if (value == 0 && !(dev->status & VDEV_DRIVER_OK)) {
		/* Nothing is under way yet. And a status that is 0 already tells a driver that its reset is
		 * done: one that was still to come would take what it writes next. */
		forget_driver(dev);
		return 0;
	}
	if (value == 0) {
		dev->reset_wanted = 1;
		return 1;
	}
	/* After a reset was asked for nothing counts until it is done; bits are never taken back. */
	if (dev->reset_wanted || (dev->status & ~value & ~VDEV_NEEDS_RESET))
		return 0;
	if ((added & VDEV_FEATURES_OK) && !features_fit(dev))
		added &= (uint8_t)~VDEV_FEATURES_OK; /* the driver sees it missing: section 3.1.1 */
	if (!((dev->status | added) & VDEV_FEATURES_OK))
		added &= (uint8_t)~VDEV_DRIVER_OK; /* or notify() would run with nothing agreed */
	dev->status |= added;
	if (!(added & VDEV_DRIVER_OK))
		return 0;
	start_queues(dev);
	return 1;
}

int vdev_queues_open(const struct vdev *dev)
{
	return (dev->status & VDEV_FEATURES_OK) && !(dev->status & VDEV_DRIVER_OK) &&
	       !dev->reset_wanted;
}

int vdev_is_live(const struct vdev *dev)
{
	return (dev->status & VDEV_DRIVER_OK) && !(dev->status & VDEV_NEEDS_RESET) && !dev->reset_wanted;
}

void vdev_reconfigured(struct vdev *dev)
{
	dev->generation++;
	if (dev->interrupt && vdev_is_live(dev))
		dev->interrupt(dev, -1);
}

void vdev_notify(struct vdev *dev, unsigned q)
{
	int rc;

	if (!vdev_is_live(dev))
		return;
	rc = dev->type->notify(dev, q);
	if (rc < 0)
		broken(dev);
	else if (rc > 0 && dev->again)
		dev->again(dev, q);
}

void vdev_run(struct vdev *dev)
{
	if (dev->reset_wanted) {
		/* Until it is done the driver reads a status other than 0 (section 4.1.4.3.2). */
		if (!dev->type->reset || dev->type->reset(dev) == 0)
			forget_driver(dev);
		return;
	}
	for (unsigned i = 0; i < dev->type->nqueues; i++)
		vdev_notify(dev, i);
}

void vdev_signal(struct vdev *dev, unsigned q)
{
	if (vq_must_signal(&dev->vq[q]) && dev->interrupt)
		dev->interrupt(dev, (int)q);
}
