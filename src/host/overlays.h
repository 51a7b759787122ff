/*
 * overlays - what VMs wrote over disks that are never written: a file for each in the VM's folder
 * (vda.overlay; proto/overlay has its layout), made with the first start and gone with the VM.
 *
 * Each knows its base by size, inode and time of change: over another one, or one that was written
 * meanwhile, its blocks would make nonsense, and are refused.
 */
#ifndef HOST_OVERLAYS_H
#define HOST_OVERLAYS_H

#include "host/disks.h"
#include "host/store.h"

/* The guest's name for its disk number i. */
enum { DISK_NAME_ROOM = 4 };
void disk_name(unsigned i, char out[DISK_NAME_ROOM]);

/* The overlay of the VM's disk number i, whose file is `base`: made where there is none, locked while
 * the descriptor lives. The descriptor, or negative with *e filled. */
int overlays_open(const struct vmref *v, const struct disks *d, unsigned i, int base, struct err *e);

/* Bytes it takes on the host; 0: there is none; or a negative errno. */
int64_t overlays_bytes(const struct vmref *v, unsigned i);

/* Both want the VM seized. Its blocks become the base's, and it goes; cut short at any point, it can be
 * begun again. Bytes that were written, or negative with *e filled. */
int64_t overlays_commit(const struct vmref *v, const struct disks *d, unsigned i, struct err *e);

/* It goes, and what it has is lost. 0 or negative with *e filled. */
int overlays_discard(const struct vmref *v, unsigned i, struct err *e);

#endif
