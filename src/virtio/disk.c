/*
 * disk - where a block device keeps its sectors: a raw file, or a block device of the host.
 */
#include "virtio/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

/* The flags of fallocate(2) that leave the file's length alone. */
enum {
	HOLE = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	ZEROES = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
};

static int open_device(struct disk *d)
{
	off_t size = lseek(d->fd, 0, SEEK_END);
	int block = DISK_SECTOR;

	if (size < 0 || ioctl(d->fd, BLKSSZGET, &block) < 0)
		return -errno;
	d->bytes = (uint64_t)size;
	d->block = (uint32_t)block;
	d->can_free = !d->readonly;
	return 0;
}

static void open_file(struct disk *d, off_t size)
{
	d->is_file = 1;
	d->bytes = (uint64_t)size;
	d->block = DISK_SECTOR;
	/* A hole behind the end changes nothing, and shows whether there could be one. */
	d->can_free = !d->readonly && fallocate(d->fd, HOLE, size, DISK_SECTOR) == 0;
}

int disk_open(struct disk *d, int fd, int readonly)
{
	struct stat st;
	int rc = 0;

	*d = (struct disk){ .fd = fd, .readonly = readonly };
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		rc = open_device(d);
	else if (S_ISREG(st.st_mode))
		open_file(d, st.st_size);
	else
		rc = -EINVAL;
	if (rc == 0 && (d->bytes == 0 || d->bytes % DISK_SECTOR))
		rc = -EMEDIUMTYPE;
	return rc;
}

/* preadv(2) and pwritev(2) until all is done. */
static int transfer(int fd, struct disk_job *j,
		    ssize_t (*move)(int fd, const struct iovec *iov, int n, off_t at))
{
	off_t at = (off_t)j->at;

	while (j->nspans > 0) {
		ssize_t done = move(fd, j->iov, (int)j->nspans, at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		at += done;
		while (j->nspans > 0 && (size_t)done >= j->iov->iov_len) {
			done -= (ssize_t)j->iov->iov_len;
			j->iov++;
			j->nspans--;
		}
		if (j->nspans > 0) {
			j->iov->iov_base = (uint8_t *)j->iov->iov_base + done;
			j->iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

static int allocate(int fd, int mode, const struct disk_job *j)
{
	int rc;

	do
		rc = fallocate(fd, mode, (off_t)j->at, (off_t)j->len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static int write_zeroes(int fd, const struct disk_job *j)
{
	static uint8_t page[4096]; /* never written to */
	struct iovec iov[DISK_SPANS];
	struct disk_job part = { .at = j->at };
	int rc = 0;

	for (uint64_t left = j->len; left > 0 && rc == 0; left -= part.len) {
		part.len = 0;
		part.iov = iov;
		for (part.nspans = 0; part.nspans < COUNT(iov) && part.len < left; part.nspans++) {
			iov[part.nspans].iov_base = page;
			iov[part.nspans].iov_len = MIN(left - part.len, sizeof(page));
			part.len += iov[part.nspans].iov_len;
		}
		rc = transfer(fd, &part, pwritev);
		part.at += part.len;
	}
	return rc;
}

/* A hole reads as zeroes, and so do extents marked as never written; else they are written. */
static int zero(int fd, const struct disk_job *j)
{
	int rc = -EOPNOTSUPP;

	if (j->may_free)
		rc = allocate(fd, HOLE, j);
	if (rc == -EOPNOTSUPP)
		rc = allocate(fd, ZEROES, j);
	return rc == -EOPNOTSUPP ? write_zeroes(fd, j) : rc;
}

/* A file that somebody cut would grow again by a write behind its end, with a hole where its
 * content was. */
static int still_reaches(const struct disk *d, uint64_t end)
{
	struct stat st;

	return !d->is_file || (fstat(d->fd, &st) == 0 && (uint64_t)st.st_size >= end);
}

static int change(const struct disk *d, struct disk_job *j)
{
	int rc;

	if (d->readonly)
		return -EROFS;
	if (!still_reaches(d, j->at + j->len))
		return -EIO;
	if (j->op == DISK_WRITE)
		rc = transfer(d->fd, j, pwritev);
	else if (j->op == DISK_FREE)
		rc = allocate(d->fd, HOLE, j);
	else
		rc = zero(d->fd, j);
	if (rc == 0 && j->through && fdatasync(d->fd) < 0)
		rc = -errno;
	return rc;
}

void disk_do(const struct disk *d, struct disk_job *j)
{
	if (j->op == DISK_READ)
		j->result = transfer(d->fd, j, preadv);
	else if (j->op == DISK_FLUSH)
		j->result = fdatasync(d->fd) < 0 ? -errno : 0;
	else
		j->result = change(d, j);
}
