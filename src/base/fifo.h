/*
 * fifo - a byte queue in memory its owner provides.
 */
#ifndef BASE_FIFO_H
#define BASE_FIFO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct fifo {
	uint8_t *mem; /* borrowed */
	size_t cap;
	size_t head; /* where the oldest byte lies */
	size_t len;
};

void fifo_init(struct fifo *f, void *mem, size_t cap);

static inline size_t fifo_room(const struct fifo *f)
{
	return f->cap - f->len;
}

/* Takes what fits; how much that was. */
size_t fifo_put(struct fifo *f, const void *data, size_t len);

/* The queued bytes, oldest first, as one or two spans; their number. */
int fifo_spans(const struct fifo *f, struct iovec span[2]);

/* The oldest len of them. */
int fifo_first(const struct fifo *f, size_t len, struct iovec span[2]);

/* The free room as one or two spans; after filling them, fifo_grew() with the bytes filled. */
int fifo_gaps(const struct fifo *f, struct iovec gap[2]);
void fifo_grew(struct fifo *f, size_t len);

/* Forgets the oldest len bytes. */
void fifo_drop(struct fifo *f, size_t len);

/* Forgets the newest len bytes. */
void fifo_cut(struct fifo *f, size_t len);

/* One writev(2) of what is queued: bytes gone, 0 when empty, or -errno (-EAGAIN, -EPIPE). */
ssize_t fifo_write(struct fifo *f, int fd);

/* One readv(2) into the room: bytes read, 0 at the end, -errno; -ENOBUFS when full. */
ssize_t fifo_read(struct fifo *f, int fd);

#endif
