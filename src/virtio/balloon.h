/*
 * balloon - the memory balloon (virtio 1.2 section 5.5): memory the guest does not need is the host's again.
 *
 * By itself a guest that has it reports what lies free (F_PAGE_REPORTING); beyond that it gives up as much
 * as it was asked for at its start, and takes it back before it runs out (F_DEFLATE_ON_OOM). Either way
 * its pages read as zeroes until it writes to them again, and cost the host nothing.
 */
#ifndef VIRTIO_BALLOON_H
#define VIRTIO_BALLOON_H

#include "virtio/vdev.h"

enum {
	BALLOON_QUEUE = 64,
	BALLOON_PAGE = 4096,	 /* section 5.5.6: whatever pages the guest has */
	BALLOON_PFNS_MAX = 4096, /* of one request; Linux puts 256 into each */
};

struct balloon {
	struct vdev dev;
	struct {
		uint32_t wanted; /* in pages of BALLOON_PAGE */
		uint32_t actual; /* the driver would tell it here: it is not asked */
	} config;
	uint64_t returned; /* bytes, all together */
};

/* The guest is to give up wanted_bytes of its memory; 0 is usual. The memory behind `m` must be private and anonymous. */
void balloon_init(struct balloon *b, const struct gmem *m, uint64_t wanted_bytes);

#endif
