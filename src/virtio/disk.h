/*
 * disk - where a block device keeps its sectors: a raw file, or a block device of the host, perhaps
 * with an overlay (virtio/overlay) that takes what is written.
 *
 * Nothing of the guest's is interpreted here, and no format is ever guessed from content: a guest
 * could write one. disk_do() blocks as long as the file does and touches only its job, so it may
 * run on any thread; a job's bytes were checked to lie on the disk and in guest memory before.
 */
#ifndef VIRTIO_DISK_H
#define VIRTIO_DISK_H

#include <stdint.h>
#include <sys/uio.h>

enum {
	DISK_SECTOR = 512, /* the unit of virtio, whatever the medium has */
	DISK_SPANS = 256,  /* the most of one job: fewer than IOV_MAX */
	DISK_FILES = 2,
};

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH, /* what was written before outlives a power cut of the host */
	DISK_FREE,  /* the bytes may be anything afterwards; the host may have their room back */
	DISK_ZERO,
};

/* Owned by whoever made it; lent to whoever does it until it comes back with its result. */
struct disk_job {
	enum disk_op op;
	int through;	   /* not done before it would outlive a power cut */
	int may_free;	   /* DISK_ZERO may give the room back */
	uint64_t at, len;  /* bytes */
	struct iovec *iov; /* DISK_READ, DISK_WRITE: len bytes in nspans; used up */
	unsigned nspans;
	int result;	       /* 0 or a negative errno */
	struct disk_job *next; /* in whatever list it stands */
};

struct overlay;

struct disk {
	int fd; /* borrowed */
	struct overlay *overlay; /* borrowed: what is written goes there; NULL: to fd */
	int readonly;
	int is_file;	/* else a block device */
	int can_free;	/* DISK_FREE is worth trying */
	uint64_t bytes; /* whole sectors, as it was opened */
	uint32_t block; /* bytes the medium writes at once */
};

/* 0; -EINVAL: neither a file nor a block device; -EMEDIUMTYPE: no whole number of sectors, or none;
 * or a negative errno of asking. */
int disk_open(struct disk *d, int fd, int readonly);

/* A disk that was opened to be read only can be written from now on: to the overlay. */
void disk_lay_over(struct disk *d, struct overlay *o);

/* Its files: itself, and what its overlay is kept in. How many. */
unsigned disk_files(const struct disk *d, int fd[DISK_FILES]);

/* Where a job is the same as one call of the host's. */
struct disk_call {
	unsigned file; /* of disk_files() */
	uint64_t at;
};

/* Nonzero: the job is one read, write or sync of a file, which may be done beside others that are under way.
 * Should a transfer come to anything but j->len bytes, it is disk_do()'s to begin again and to judge. */
int disk_is_call(const struct disk *d, const struct disk_job *j, struct disk_call *c);

/* Does the job and sets its result. -EIO: the file is shorter than it was; -EOPNOTSUPP: DISK_FREE
 * is not to be had here. */
void disk_do(const struct disk *d, struct disk_job *j);

#endif
