/*
 * virtio - a driver of any virtio device on the bus (virtio 1.2 section 4.1), as small as one can be: it agrees to
 * VERSION_1 and what it is told to, and looks for answers.
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "bare.h"

enum {
	VIRTIO_QUEUES = 2,
	VIRTIO_SIZE = 8, /* of a ring */
	VIRTIO_VECTORS = 2,

	VIRTIO_NEEDS_RESET = 0x40,

	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
};

struct ring {
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} desc[VIRTIO_SIZE];
	struct {
		uint16_t flags, idx, ring[VIRTIO_SIZE], event;
	} avail;
	struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} ring[VIRTIO_SIZE];
		uint16_t event;
	} used __attribute__((aligned(4)));
} __attribute__((aligned(16)));

struct virtio {
	unsigned slot;
	uint64_t common, notify, config, table, pending; /* where they lie */
	uint32_t features;			 /* of the lower 32, to agree to; 0 after virtio_find() */
	uint32_t step;				 /* from one queue's notification to the next */
	uint32_t msix;				 /* in configuration space */
	struct ring ring[VIRTIO_QUEUES];
	uint16_t seen[VIRTIO_QUEUES]; /* buffers that came back */
};

/* Whether that device is there, and its windows are found. */
int virtio_find(struct virtio *d, unsigned slot, unsigned kind);

/* Resets it and sets its first queues up, on vector 1 of its table. Whether it took that. */
int virtio_up(struct virtio *d, unsigned queues);

uint8_t virtio_status(const struct virtio *d);

/* Where the rings of queue q lie is told once more, and it is switched on again: of a device that runs. */
void virtio_place(const struct virtio *d, unsigned q, uint64_t rings);

/* The chain at `head` is given to queue q; not waited for. */
void virtio_give(struct virtio *d, unsigned q, uint16_t head);

/* Waits for a chain of queue q for so long, by looking. Whether one came back. */
int virtio_came_back(struct virtio *d, unsigned q, unsigned us);

void virtio_vector(const struct virtio *d, unsigned v, uint8_t interrupt, int masked);
void virtio_msix(const struct virtio *d, int on, int all_masked);

#endif
