/*
 * frame - how the roles talk: type u8, length u32 big-endian, payload of at most 1 MiB.
 */
#include "proto/frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/util.h"

void inbox_init(struct inbox *in, void *mem, size_t cap)
{
	*in = (struct inbox){ .mem = mem, .cap = cap };
}

/* Of the next frame, as far as is known: its header, or all of it. */
static size_t whole_of(const struct inbox *in)
{
	struct frame f;

	return FRAME_HEADER + (frame_begun(in, &f) < 0 ? 0 : f.len);
}

/* Nonzero when the frame that has begun has room for its end. */
static int has_room_behind(const struct inbox *in)
{
	return in->at < in->end && in->end < in->cap && whole_of(in) <= in->cap - in->at;
}

static ssize_t fill(struct inbox *in, int fd, size_t most)
{
	ssize_t n;

	/* A long frame comes in pieces: moved for each of them it would be copied twice. */
	if (in->at > 0 && !has_room_behind(in)) {
		memmove(in->mem, in->mem + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
	}
	if (in->end == in->cap)
		return -ENOBUFS;
	n = fd_read(fd, in->mem + in->end, MIN(most, in->cap - in->end));
	if (n > 0)
		in->end += (size_t)n;
	return n;
}

ssize_t inbox_fill(struct inbox *in, int fd)
{
	return fill(in, fd, SIZE_MAX);
}

ssize_t inbox_fill_frame(struct inbox *in, int fd)
{
	return fill(in, fd, whole_of(in) - MIN(whole_of(in), in->end - in->at));
}

ssize_t frame_begun(const struct inbox *in, struct frame *f)
{
	size_t have = in->end - in->at;
	struct rd r = rd_init(in->mem + in->at, have);

	if (have < FRAME_HEADER)
		return -EAGAIN;
	f->type = rd_u8(&r);
	f->len = rd_be32(&r);
	f->data = r.at;
	return (ssize_t)(have - FRAME_HEADER);
}

int inbox_is_partial(const struct inbox *in)
{
	return in->at != in->end;
}

int frame_next(struct inbox *in, struct frame *f)
{
	ssize_t have = frame_begun(in, f);

	if (have < 0)
		return 0;
	if (f->len > FRAME_MAX || f->len > in->cap - FRAME_HEADER)
		return -EMSGSIZE;
	if ((size_t)have < f->len)
		return 0;
	in->at += FRAME_HEADER + f->len;
	return 1;
}

void frame_header(uint8_t out[FRAME_HEADER], uint8_t type, uint32_t len)
{
	struct wr w = wr_init(out, FRAME_HEADER);

	wr_u8(&w, type);
	wr_be32(&w, len);
}

int frame_put(struct fifo *out, uint8_t type, const void *data, size_t len)
{
	uint8_t head[FRAME_HEADER];

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	if (fifo_room(out) < FRAME_HEADER + len)
		return -ENOBUFS;
	frame_header(head, type, (uint32_t)len);
	fifo_put(out, head, sizeof(head));
	fifo_put(out, data, len);
	return 0;
}

int frame_post(struct fifo *out, int fd, uint8_t type, const void *data, size_t len)
{
	uint8_t head[FRAME_HEADER];
	struct iovec v[2] = { { head, sizeof(head) }, { (void *)data, len } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	size_t sent = 0, of_head;
	ssize_t n;

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	frame_header(head, type, (uint32_t)len);
	if (out->len == 0) {
		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		sent = n > 0 ? (size_t)n : 0;
	}
	if (fifo_room(out) < sizeof(head) + len - sent)
		return -ENOBUFS;
	of_head = MIN(sent, sizeof(head));
	fifo_put(out, head + of_head, sizeof(head) - of_head);
	sent -= of_head;
	if (len > sent)
		fifo_put(out, (const uint8_t *)data + sent, len - sent);
	return 0;
}

int frame_send(int fd, uint8_t type, const void *data, size_t len)
{
	uint8_t head[FRAME_HEADER];
	int rc;

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	frame_header(head, type, (uint32_t)len);
	rc = fd_write_all(fd, head, sizeof(head));
	return rc < 0 ? rc : fd_write_all(fd, data, len);
}

int frame_recv(struct inbox *in, int fd, struct frame *f)
{
	int rc;

	while ((rc = frame_next(in, f)) == 0) {
		ssize_t n = inbox_fill(in, fd);

		if (n == -EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			poll(&p, 1, -1);
			continue;
		}
		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;
	}
	return rc < 0 ? rc : 0;
}
