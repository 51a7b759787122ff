/*
 * ring - the split virtqueue as it lies in guest memory (virtio 1.2 section 2.7).
 *
 *     descriptor table      available ring (driver writes)   used ring (device writes)
 *     addr len flags next   flags idx ring[size] used_event  flags idx {id,len}[size] avail_event
 *
 * All fields are little-endian, as is every machine this runs on.
 */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include <stdint.h>

enum {
	DESC_NEXT = 1,
	DESC_WRITE = 2, /* the device may write it; else it may only read it */
	DESC_INDIRECT = 4,

	AVAIL_NO_INTERRUPT = 1,
	USED_NO_NOTIFY = 1,
};

struct ring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct ring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[]; /* size entries, then used_event */
};

struct ring_used_elem {
	uint32_t id;
	uint32_t len;
};

struct ring_used {
	uint16_t flags;
	uint16_t idx;
	struct ring_used_elem ring[]; /* size entries, then avail_event */
};

_Static_assert(sizeof(struct ring_desc) == 16, "virtio 1.2 section 2.7.5");
_Static_assert(sizeof(struct ring_used_elem) == 8, "virtio 1.2 section 2.7.8");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ring fields are used as they lie");

#endif
