/*
 * overlay - a disk whose base is never written: what the guest writes goes to a file of its own
 * and is read from there. A map of that file has a bit for each block of the disk, set where the file
 * has the block.
 *
 * At any moment the power may fail or the process be killed. What a FLUSH was answered for is there
 * afterwards; of what was not, each sector is as it was or as it was written, and nothing else. Hence
 * the bits of blocks written since the last FLUSH are only in memory, and go to the file once the
 * blocks have got there. After a sync that failed nobody knows what has, and no FLUSH succeeds again.
 *
 * As disk_do(), everything here but overlay_find() blocks and may run on any one thread.
 */
#ifndef VIRTIO_OVERLAY_H
#define VIRTIO_OVERLAY_H

#include "virtio/disk.h"

enum { OVERLAY_UNIT = 4096 }; /* bytes of a block, and of the map that are written at once */

/* Where things lie in the file. */
struct overlay_place {
	uint64_t map_at, map_bytes; /* whole units */
	uint64_t data_at;	    /* the blocks, each where it would be in the base */
};

struct overlay {
	int base, delta; /* borrowed */
	uint64_t bytes;	 /* of the disk */
	struct overlay_place place;
	uint8_t *map;	  /* owned mapping */
	uint8_t *unsaved; /* behind it: a byte for each unit of the map that the file has not got */
	int broken; /* a sync failed */
};

/* bytes: of the base, and so of the disk. 0; -EIO: the file is cut; or a negative errno. */
int overlay_open(struct overlay *o, int base, int delta, uint64_t bytes,
		 const struct overlay_place *place);

/* How long the file is. */
uint64_t overlay_end(const struct overlay *o);

/* Forgets what no FLUSH has covered. */
void overlay_close(struct overlay *o);

/* Nonzero: all the job's bytes are kept in one file, and *c says where. On any thread, while jobs are
 * being done: where one of them writes the same bytes, those of before are as good. */
int overlay_find(const struct overlay *o, const struct disk_job *j, struct disk_call *c);

/* The job's bytes lie on the disk. 0 or a negative errno. */
int overlay_do(struct overlay *o, struct disk_job *j);

#endif
