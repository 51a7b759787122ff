/*
 * fileio - whole transfers between a file and spans of memory, and what a file can do with its room.
 *
 * Everything blocks as long as the file does. All return 0 or a negative errno.
 */
#ifndef VIRTIO_FILEIO_H
#define VIRTIO_FILEIO_H

#include <stdint.h>
#include <sys/uio.h>

/* preadv(2) or pwritev(2) until all is done; uses the spans up. -EIO: the file ended before. */
int fileio_read(int fd, struct iovec *iov, unsigned nspans, uint64_t at);
int fileio_write(int fd, struct iovec *iov, unsigned nspans, uint64_t at);

/* The same of one piece of memory. */
int fileio_read_bytes(int fd, void *to, size_t len, uint64_t at);
int fileio_write_bytes(int fd, const void *from, size_t len, uint64_t at);

/* Gives the room back; the bytes read as zeroes then. -EOPNOTSUPP: not on this file. */
int fileio_free(int fd, uint64_t at, uint64_t len);

/* Zeroes, by the cheapest way there is; may_free: also by giving the room back. */
int fileio_zero(int fd, uint64_t at, uint64_t len, int may_free);

int fileio_sync(int fd);

#endif
