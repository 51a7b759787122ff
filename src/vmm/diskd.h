/*
 * diskd - a block device's worker: a thread that does its jobs one after the other.
 *
 * Files block, and neither the loop nor a vCPU may. Jobs go over in batches, as lists; what is
 * done is collected by the loop in one go, so that a burst of them costs the guest one interrupt.
 * Only the two lists are shared; the thread sees no device, no ring and not the machine's lock.
 */
#ifndef VMM_DISKD_H
#define VMM_DISKD_H

#include <pthread.h>

#include "base/loop.h"
#include "virtio/blk.h"
#include "virtio/ratelimit.h"

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
	struct watch ready;	 /* owned eventfd: `done` is no longer empty */
	pthread_t thread;
	int started;
	pthread_mutex_t lock; /* around what follows */
	pthread_cond_t changed;
	struct disk_jobs todo, done;
	int stop;
};

/* d is zeroed memory that must not move. From now on d->host takes jobs of b, of so many bytes and
 * requests a second; 0: as many as come. 0 or a negative errno. */
int diskd_start(struct diskd *d, struct blk *b, const struct disk *disk, uint64_t rate, uint64_t ops,
		struct loop *l);

/* Returns when all that was handed over is done, however long that takes. No-op when it was not
 * started. */
void diskd_stop(struct diskd *d);

#endif
