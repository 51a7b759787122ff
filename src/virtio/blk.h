/*
 * blk - the block device (virtio 1.2 section 5.2): sectors of a disk for the guest.
 *
 * This file is the protocol: it takes requests off the ring, checks them, makes a disk_job of each
 * and gives it to a `struct blk_host`, which has it done elsewhere (vmm/diskd: a thread; the unit
 * test: at once, late, or never). All calls come on the loop's thread. The guest is hostile: what
 * it gets for a bad request is a status; for a broken ring, NEEDS_RESET of this device alone.
 *
 * Order: a job whose result came back was done before any job handed over afterwards. A
 * FLUSH thus covers all writes that the guest knows to be complete, and need not wait for others. Those
 * that are under way at a time are done in whatever order.
 */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <stdint.h>

#include "virtio/disk.h"
#include "virtio/vdev.h"

enum {
	BLK_QUEUE = 128,
	BLK_IN_FLIGHT = 64, /* requests taken off the ring at a time; the others wait in it */
	BLK_SEGS = BLK_QUEUE - 2,
	BLK_SERIAL = 20,	 /* bytes, without a NUL */
	BLK_FREE_MOST = 1 << 22, /* sectors of one DISCARD: 2 GiB */
	BLK_ZERO_MOST =
		1 << 15, /* sectors of one WRITE_ZEROES: 16 MiB, which may have to be written */
};

#define BLK_F_SEG_MAX	   (1ull << 2)
#define BLK_F_RO	   (1ull << 5)
#define BLK_F_BLK_SIZE	   (1ull << 6)
#define BLK_F_FLUSH	   (1ull << 9)
#define BLK_F_DISCARD	   (1ull << 13)
#define BLK_F_WRITE_ZEROES (1ull << 14)

/* Section 5.2.4. */
struct blk_config {
	uint64_t capacity; /* sectors */
	uint32_t size_max, seg_max;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t blk_size;
	uint8_t topology[8];
	uint8_t writeback, unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
} __attribute__((packed));

/* Has jobs done; each comes back through blk_done() in a later turn, or in one
 * go with others. */
struct blk_host {
	void (*submit)(struct blk_host *h, struct disk_job *first);
	/* Nonzero: no more for now, and blk_go_on() follows; and what was taken meanwhile. May be NULL. */
	int (*must_wait)(struct blk_host *h);
	void (*spent)(struct blk_host *h, uint64_t bytes);
	/* The disk could not do such a job, for the first time; -errno. May be NULL. */
	void (*failed)(struct blk_host *h, enum disk_op op, int rc);
};

/* A request under way. */
struct blk_req {
	struct disk_job job;
	struct chain chain;
	struct iovec span[VQ_SEGS]; /* of its data */
	uint32_t type;
	uint64_t room;	 /* bytes the guest has for data, in front of the status */
	uint8_t *status; /* the last byte the device may write */
};

struct blk {
	struct vdev dev;
	struct blk_host *host;	 /* borrowed */
	const struct disk *disk; /* borrowed */
	const char *name;	 /* borrowed: for the log, "vda" */
	struct blk_config config;
	uint8_t serial[BLK_SERIAL];
	uint64_t errors;
	unsigned told; /* a bit for each disk_op that has failed */
	uint64_t busy; /* a bit for each of req that is under way */
	struct blk_req req[BLK_IN_FLIGHT];
};

_Static_assert(BLK_IN_FLIGHT == 64, "blk.busy has a bit for each");

/* serial: at most BLK_SERIAL bytes; "" for none. */
void blk_init(struct blk *b, const struct gmem *m, const struct disk *disk, const char *name,
	      const char *serial, struct blk_host *host);

/* It need not wait any more. */
void blk_go_on(struct blk *b);

/* A list of jobs that are done. */
void blk_done(struct blk *b, struct disk_job *first);

#endif
