/*
 * vdev - what every virtio device is: queues, features, status (virtio 1.2 sections 2.1, 2.2, 3.1).
 *
 * A device knows queues and bytes. A transport (virtio/pci) sits between it and the driver; who
 * raises interrupts and who calls notify belongs to neither. All calls on one device come under
 * one lock (the machine's); reset and notify come from the loop's thread only.
 */
#ifndef VIRTIO_VDEV_H
#define VIRTIO_VDEV_H

#include <stdint.h>

#include "virtio/queue.h"

enum {
	VDEV_QUEUES_MAX = 8,

	/* device status */
	VDEV_ACKNOWLEDGE = 1,
	VDEV_DRIVER = 2,
	VDEV_DRIVER_OK = 4,
	VDEV_FEATURES_OK = 8,
	VDEV_NEEDS_RESET = 64,
	VDEV_FAILED = 128,
};

#define VDEV_F_INDIRECT_DESC (1ull << 28)
#define VDEV_F_EVENT_IDX     (1ull << 29)
#define VDEV_F_VERSION_1     (1ull << 32)

struct vdev;

struct vdev_type {
	const char *name;
	uint16_t id; /* virtio 1.2 section 5 */
	unsigned nqueues;
	uint16_t queue_max;
	uint64_t features; /* the device's own, at most; the three above are offered by all */
	/* The driver says queue q has work. 0: all done; 1: call again, but let others have a turn
	 * first; -EPROTO: it broke the protocol. */
	int (*notify)(struct vdev *dev, unsigned q);
	/* Forget the driver: what is in flight is dropped. 0; or nonzero: not yet, and vdev_run() will
	 * be called when it can be tried again. May be NULL. */
	int (*reset)(struct vdev *dev);
};

struct vdev {
	const struct vdev_type *type;
	const struct gmem *mem; /* borrowed: the VM outlives its devices */
	const void *config;	/* borrowed: the device's config space, read-only to the driver */
	uint32_t config_len;
	uint64_t features; /* the type's own, less what this one cannot do */
	uint8_t generation; /* of the config space: another one after each change */
	uint8_t status;
	int reset_wanted; /* the driver wrote 0; the loop's thread has still to obey */
	uint64_t driver_features;
	struct vq vq[VDEV_QUEUES_MAX];
	void *transport; /* borrowed: for the two calls below */
	/* Set by the transport: interrupt the driver for queue q (config change: q < 0). */
	void (*interrupt)(struct vdev *dev, int q);
	/* Set by the transport: have vdev_notify(q) called in the loop's next turn. */
	void (*again)(struct vdev *dev, unsigned q);
};

void vdev_init(struct vdev *dev, const struct vdev_type *type, const struct gmem *m,
	       const void *config, uint32_t config_len);

/* What the device offers. */
uint64_t vdev_features(const struct vdev *dev);

/* The driver writes the status register: bits only ever add up, 0 asks for a reset
 * (section 2.1.1). Nonzero: the loop's thread has something to do (vdev_run()). */
int vdev_set_status(struct vdev *dev, uint8_t value);

/* Nonzero while the driver may change queues: FEATURES_OK seen, DRIVER_OK not yet. */
int vdev_queues_open(const struct vdev *dev);

/* The loop's thread: obey a reset, or look at every queue once (after DRIVER_OK). */
void vdev_run(struct vdev *dev);

/* The loop's thread: the driver notified queue q. What is left for another turn is asked for
 * through again(). */
void vdev_notify(struct vdev *dev, unsigned q);

/* Whether a driver runs it: up, not about to reset it, and not told to. */
int vdev_is_live(const struct vdev *dev);

/* The device has changed its config space: whoever runs it is told (section 4.1.4.3.1). */
void vdev_reconfigured(struct vdev *dev);

/* The device pushed requests of queue q: interrupt if the driver wants that. */
void vdev_signal(struct vdev *dev, unsigned q);

#endif
