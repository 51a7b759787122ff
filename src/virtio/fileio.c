/*
 * fileio - whole transfers between a file and spans of memory, and what a file can do with its room.
 */
#include "virtio/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "base/util.h"

enum {
	/* The flags of fallocate(2) that leave the file's length alone. */
	HOLE = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	ZEROES = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,

	ZERO_SPANS = 256, /* fewer than IOV_MAX */
};

typedef ssize_t mover(int fd, const struct iovec *iov, int n, off_t at);

static int transfer(int fd, struct iovec *iov, unsigned nspans, uint64_t at, mover *move)
{
	while (nspans > 0) {
		ssize_t done = move(fd, iov, (int)nspans, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		at += (uint64_t)done;
		while (nspans > 0 && (size_t)done >= iov->iov_len) {
			done -= (ssize_t)iov->iov_len;
			iov++;
			nspans--;
		}
		if (nspans > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

int fileio_read(int fd, struct iovec *iov, unsigned nspans, uint64_t at)
{
	return transfer(fd, iov, nspans, at, preadv);
}

int fileio_write(int fd, struct iovec *iov, unsigned nspans, uint64_t at)
{
	return transfer(fd, iov, nspans, at, pwritev);
}

int fileio_read_bytes(int fd, void *to, size_t len, uint64_t at)
{
	return fileio_read(fd, &(struct iovec){ to, len }, 1, at);
}

int fileio_write_bytes(int fd, const void *from, size_t len, uint64_t at)
{
	return fileio_write(fd, &(struct iovec){ (void *)(uintptr_t)from, len }, 1, at);
}

static int allocate(int fd, int mode, uint64_t at, uint64_t len)
{
	int rc;

	do
		rc = fallocate(fd, mode, (off_t)at, (off_t)len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int fileio_free(int fd, uint64_t at, uint64_t len)
{
	return allocate(fd, HOLE, at, len);
}

static int write_zeroes(int fd, uint64_t at, uint64_t left)
{
	static uint8_t page[4096]; /* never written to */
	struct iovec iov[ZERO_SPANS];
	int rc = 0;

	while (left > 0 && rc == 0) {
		uint64_t part = 0;
		unsigned n;

		for (n = 0; n < COUNT(iov) && part < left; n++) {
			iov[n] = (struct iovec){ page, MIN(left - part, sizeof(page)) };
			part += iov[n].iov_len;
		}
		rc = fileio_write(fd, iov, n, at);
		at += part;
		left -= part;
	}
	return rc;
}

/* A hole reads as zeroes, and so do extents marked as never written; else they are written. */
int fileio_zero(int fd, uint64_t at, uint64_t len, int may_free)
{
	int rc = -EOPNOTSUPP;

	if (may_free)
		rc = allocate(fd, HOLE, at, len);
	if (rc == -EOPNOTSUPP)
		rc = allocate(fd, ZEROES, at, len);
	return rc == -EOPNOTSUPP ? write_zeroes(fd, at, len) : rc;
}

int fileio_sync(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}
