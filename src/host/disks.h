/*
 * disks - the disks a person gives a machine: written down, opened, and kept from other machines.
 *
 * Written as PATH[,ro|,overlay][,id=SERIAL][,rate=BYTES][,ops=N][,aio=WHO], on the command line and in vm.ini. A path has no comma.
 */
#ifndef HOST_DISKS_H
#define HOST_DISKS_H

#include <stddef.h>

#include "base/path.h"
#include "host/home.h"
#include "proto/spec.h"

struct disk_wish {
	char path[PATH_ROOM]; /* absolute */
	char serial[SPEC_SERIAL_MAX + 1];
	int readonly; /* the file is only read */
	uint64_t rate, ops; /* a second, in bytes and requests; 0: no limit */
	int overlay;  /* and what the guest writes goes elsewhere (host/overlays) */
	enum spec_aio aio;
};

struct disks {
	struct disk_wish disk[SPEC_DISKS_MAX]; /* vda, vdb... */
	unsigned count;
};

/* Adds one. 0, or wrong usage with *e filled. */
int disks_add(struct disks *d, const char *what, const char *text, struct err *e);

/* What the machine is told of them; the descriptors are left to others. */
void disks_describe(const struct disks *d, struct spec_disk out[SPEC_DISKS_MAX]);

/* Opens all, and locks them while the descriptors live, or what they were given to: one machine may
 * write a disk, or several read it. `self` is the VM they are for, or NULL while it
 * has none. Fills fd[] and *count as far as it gets: the caller closes them. 0 or negative with *e
 * filled. */
int disks_open(const struct disks *d, const struct home *h, const char *self,
	       int fd[SPEC_DISKS_MAX], unsigned *count, struct err *e);

/* The file under an overlay, to be written, and locked. The descriptor, or negative with *e filled. */
int disks_open_base(const struct disk_wish *d, const struct home *h, const char *self, struct err *e);

#endif
