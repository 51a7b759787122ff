/*
 * blk_world - a guest's driver around one block device, whose disk is a file in memory.
 *
 * Requests are laid out one behind the other in `world_ram`; jobs are done at once, or held back
 * until a test lets them go.
 */
#ifndef BLK_WORLD_H
#define BLK_WORLD_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "virtio/blk.h"

#ifndef INVARIANT
#define INVARIANT(expr) ((expr) ? (void)0 : abort())
#endif

enum {
	DESC_AT = 0,
	AVAIL_AT = 0x1000,
	USED_AT = 0x2000,
	DATA_AT = 0x10000,
	RAM = 0x100000,
	SECTORS = 256,

	IN = 0,
	OUT = 1,
	FLUSH = 4,
	GET_ID = 8,
	DISCARD = 11,
	ZEROES = 13,
	UNMAP = 1,

	OK = 0,
	IOERR = 1,
	UNSUPP = 2,
	UNTOUCHED = 0xee, /* the status byte before */

	DRIVER_UP = VDEV_ACKNOWLEDGE | VDEV_DRIVER | VDEV_FEATURES_OK,
};

#define ALL_FEATURES \
	(VDEV_F_VERSION_1 | VDEV_F_EVENT_IDX | VDEV_F_INDIRECT_DESC | BLK_F_SEG_MAX | \
	 BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_WRITE_ZEROES)

struct world {
	struct blk b;
	struct disk disk;
	struct blk_host host;
	int hold; /* keep jobs in `held` instead of doing them */
	struct disk_job *held;
	unsigned submits, jobs, interrupts, config_interrupts, again;
	uint16_t next_desc; /* of the table, for the next request */
	uint32_t next_data;
	struct ring_desc *desc;
	struct ring_avail *avail;
	struct ring_used *used;
};

static _Alignas(4096) uint8_t world_ram[RAM];
static const struct gmem world_mem = { .region = { { 0, RAM, world_ram } } };
static struct world w;

static inline uint8_t letter(uint64_t at)
{
	return (uint8_t)((at * 0x9e3779b97f4a7c15u) >> 56);
}

/* A file of SECTORS sectors, full of letters. */
static inline int world_file(void)
{
	static uint8_t bytes[SECTORS * DISK_SECTOR];
	int fd = memfd_create("disk", MFD_CLOEXEC);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = letter(i);
	INVARIANT(fd >= 0 && write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
	return fd;
}

/* --- the host ------------------------------------------------------------------------------- */

/* What every job must be: on the disk, in RAM, and allowed. */
static inline void world_check_job(const struct disk_job *j)
{
	uint64_t sum = 0;

	INVARIANT(j->at <= w.disk.bytes && j->len <= w.disk.bytes - j->at);
	INVARIANT(j->len % DISK_SECTOR == 0 && j->nspans <= DISK_SPANS);
	for (unsigned i = 0; i < j->nspans; i++) {
		const uint8_t *at = j->iov[i].iov_base;

		INVARIANT(at >= world_ram && j->iov[i].iov_len <= RAM &&
			  at + j->iov[i].iov_len <= world_ram + RAM);
		sum += j->iov[i].iov_len;
	}
	if (j->op == DISK_READ || j->op == DISK_WRITE)
		INVARIANT(sum == j->len);
	INVARIANT(!w.disk.readonly || j->op == DISK_READ || j->op == DISK_FLUSH);
}

static inline void world_release(void)
{
	struct disk_job *list = w.held;

	w.held = NULL;
	for (struct disk_job *j = list; j; j = j->next)
		disk_do(&w.disk, j);
	blk_done(&w.b, list);
}

static inline void world_submit(struct blk_host *h, struct disk_job *first)
{
	struct disk_job **end = &w.held;

	(void)h;
	while (*end)
		end = &(*end)->next;
	*end = first;
	w.submits++;
	for (struct disk_job *j = first; j; j = j->next) {
		world_check_job(j);
		w.jobs++;
	}
}

/* Jobs come back in a later turn, never from inside submit(). */
static inline void world_turn(void)
{
	while (w.held && !w.hold)
		world_release();
}

static inline void world_interrupt(struct vdev *dev, int q)
{
	(void)dev;
	if (q < 0)
		w.config_interrupts++;
	else
		w.interrupts++;
}

static inline void world_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	(void)q;
	w.again++;
}

/* --- the guest ------------------------------------------------------------------------------ */

static inline void driver_up(uint64_t features)
{
	struct vdev *dev = &w.b.dev;
	struct vq *q = &dev->vq[0];

	memset(world_ram, 0, DATA_AT);
	w.next_desc = 0;
	w.next_data = DATA_AT;
	vdev_set_status(dev, VDEV_ACKNOWLEDGE);
	vdev_set_status(dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER);
	dev->driver_features = features;
	vdev_set_status(dev, DRIVER_UP);
	q->desc_at = DESC_AT;
	q->avail_at = AVAIL_AT;
	q->used_at = USED_AT;
	q->enabled = 1;
	vdev_set_status(dev, DRIVER_UP | VDEV_DRIVER_OK);
	vdev_run(dev);
}

/* fd: the disk, closed by world_end(). */
static inline void world_begin(int fd, int readonly, uint64_t features)
{
	memset(&w, 0, sizeof(w));
	INVARIANT(disk_open(&w.disk, fd, readonly) == 0);
	w.host.submit = world_submit;
	w.desc = (struct ring_desc *)(void *)(world_ram + DESC_AT);
	w.avail = (struct ring_avail *)(void *)(world_ram + AVAIL_AT);
	w.used = (struct ring_used *)(void *)(world_ram + USED_AT);
	blk_init(&w.b, &world_mem, &w.disk, "vda", "serial-1", &w.host);
	w.b.dev.interrupt = world_interrupt;
	w.b.dev.again = world_again;
	driver_up(features & vdev_features(&w.b.dev));
}

static inline void world_end(void)
{
	close(w.disk.fd);
}

static inline void kick(void)
{
	vdev_notify(&w.b.dev, 0);
	world_turn();
}

static inline void world_reset(void)
{
	vdev_set_status(&w.b.dev, 0);
	vdev_run(&w.b.dev);
}

#endif
