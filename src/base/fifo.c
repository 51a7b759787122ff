/*
 * fifo - a byte queue in memory its owner provides.
 */
#include "base/fifo.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

void fifo_init(struct fifo *f, void *mem, size_t cap)
{
	*f = (struct fifo){ .mem = mem, .cap = cap };
}

static int spans(uint8_t *mem, size_t cap, size_t from, size_t len, struct iovec out[2])
{
	size_t first = MIN(len, cap - from);

	out[0] = (struct iovec){ mem + from, first };
	out[1] = (struct iovec){ mem, len - first };
	return len == 0 ? 0 : len == first ? 1 : 2;
}

int fifo_first(const struct fifo *f, size_t len, struct iovec span[2])
{
	return spans(f->mem, f->cap, f->head, len, span);
}

int fifo_spans(const struct fifo *f, struct iovec span[2])
{
	return fifo_first(f, f->len, span);
}

int fifo_gaps(const struct fifo *f, struct iovec gap[2])
{
	size_t tail = f->head + f->len;

	if (tail >= f->cap)
		tail -= f->cap;
	return spans(f->mem, f->cap, tail, fifo_room(f), gap);
}

void fifo_grew(struct fifo *f, size_t len)
{
	f->len += len;
}

size_t fifo_put(struct fifo *f, const void *data, size_t len)
{
	struct iovec gap[2];
	size_t done = 0;

	for (int i = 0, n = fifo_gaps(f, gap); i < n && done < len; i++) {
		size_t part = MIN(gap[i].iov_len, len - done);

		memcpy(gap[i].iov_base, (const uint8_t *)data + done, part);
		done += part;
	}
	fifo_grew(f, done);
	return done;
}

void fifo_drop(struct fifo *f, size_t len)
{
	f->head += len;
	if (f->head >= f->cap)
		f->head -= f->cap;
	f->len -= len;
	if (f->len == 0)
		f->head = 0; /* one span again */
}

void fifo_cut(struct fifo *f, size_t len)
{
	f->len -= len;
	if (f->len == 0)
		f->head = 0;
}

ssize_t fifo_write(struct fifo *f, int fd)
{
	struct iovec span[2];
	int n = fifo_spans(f, span);
	ssize_t done;

	if (n == 0)
		return 0;
	do
		done = writev(fd, span, n);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return -errno;
	fifo_drop(f, (size_t)done);
	return done;
}

ssize_t fifo_read(struct fifo *f, int fd)
{
	struct iovec gap[2];
	int n = fifo_gaps(f, gap);
	ssize_t got;

	if (n == 0)
		return -ENOBUFS;
	do
		got = readv(fd, gap, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	fifo_grew(f, (size_t)got);
	return got;
}
