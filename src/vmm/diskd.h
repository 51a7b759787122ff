/*
 * diskd - a block device's workers: an io_uring where the host has one, and a thread that does jobs one after
 * the other.
 *
 * Files block, and neither the loop nor a vCPU may. Jobs go over in batches, as lists; what is
 * done is collected by the loop in one go, so that a burst of them costs the guest one interrupt.
 * Only the two lists are shared; the thread sees no device, no ring and not the machine's lock.
 *
 * The ring gets what is one call of the host's (disk_is_call()), and has many under way at a time. Whatever
 * else there is, and each transfer that came to less than it should, the thread does from the beginning:
 * so what is made of a file that was cut, a full disk or an error stands in virtio/disk alone.
 */
#ifndef VMM_DISKD_H
#define VMM_DISKD_H

#include <pthread.h>

#include "base/loop.h"
#include "proto/spec.h"
#include "virtio/blk.h"
#include "virtio/ratelimit.h"
#include "vmm/uring.h"

struct disk_jobs {
	struct disk_job *first, **end;
};

struct diskd {
	struct blk_host host;
	struct blk *blk;	 /* borrowed: the loop's thread only */
	const struct disk *disk; /* borrowed */
	struct loop *loop;	 /* borrowed */
	struct ratelimit limit;
	struct timer later; /* the limit lets it go on */
	struct watch ready;	 /* owned eventfd: `done` is no longer empty, or the ring has done some */
	struct uring ring;	 /* or none; the loop's thread only */
	pthread_t thread;
	int started;
	pthread_mutex_t lock; /* around what follows */
	pthread_cond_t changed;
	struct disk_jobs todo, done;
	int stop;
};

/* d is zeroed memory that must not move. From now on d->host takes jobs of b. 0 or a negative errno; a ring that
 * is demanded and not to be had leaves d->ring closed. */
int diskd_start(struct diskd *d, struct blk *b, const struct disk *disk, const struct spec_disk *s,
		struct loop *l);

/* Returns when all that was handed over is done, however long that takes. No-op when it was not
 * started. */
void diskd_stop(struct diskd *d);

#endif
