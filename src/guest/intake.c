/*
 * intake - what is on its way to a command's stdin, or its terminal.
 */
#include "guest/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/terminal.h"
#include "proto/frame.h"

void intake_init(struct intake *in, struct loop *l, void *mem, size_t cap,
		 void (*ready)(struct watch *w, uint32_t events))
{
	*in = (struct intake){ .end = END_INIT(l, ready), .last = '\n' };
	fifo_init(&in->held, mem, cap);
}

void intake_open(struct intake *in, int fd, int tty)
{
	end_open(&in->end, fd);
	in->tty = tty;
}

/* A pipe is closed. On a terminal it is what a person would type, once, where it means anything;
 * in the middle of a line the first such character only pushes the line. */
static void write_end(struct intake *in)
{
	int is_line = in->last == '\n' || in->last == '\r', eof;
	uint8_t typed[2];

	if (!in->tty) {
		end_close(&in->end);
		return;
	}
	eof = in->eof_written ? -1 : terminal_eof(in->end.w.fd);
	in->eof_written = 1;
	typed[0] = typed[1] = (uint8_t)eof;
	if (eof >= 0)
		fifo_put(&in->held, typed, is_line ? 1 : 2);
}

/* It closed its stdin. The sender goes on, as into any such pipe of ours. */
static void give_up(struct intake *in)
{
	in->taken += (uint32_t)in->held.len;
	fifo_drop(&in->held, in->held.len);
	end_close(&in->end);
}

void intake_feed(struct intake *in)
{
	ssize_t n = 1;

	while (in->end.w.fd >= 0 && n > 0) {
		if (in->held.len == 0 && in->has_ended)
			write_end(in);
		if (in->held.len == 0)
			return;
		n = fifo_write(&in->held, in->end.w.fd);
		if (n > 0)
			in->taken += (uint32_t)n;
	}
	if (n < 0 && n != -EAGAIN)
		give_up(in);
}

/* What the command takes at once need not be held; how much that is. */
static size_t pass(struct intake *in, const void *data, size_t len)
{
	ssize_t n = 0;

	if (in->end.w.fd >= 0 && in->held.len == 0 && len > 0)
		n = fd_write(in->end.w.fd, data, len);
	if (n < 0 && n != -EAGAIN)
		give_up(in);
	if (in->end.w.fd < 0)
		n = (ssize_t)len; /* nobody misses it */
	n = MAX(n, 0);
	in->taken += (uint32_t)n;
	return (size_t)n;
}

/* The command is slower than its sender, for the moment. */
static void hold(struct intake *in, const uint8_t *data, size_t len)
{
	fifo_put(&in->held, data, len); /* fits: the window is its room */
	/* What goes into the pipe at once need not be copied to be held. */
	if (!in->is_busy)
		fd_widen_pipe(in->end.w.fd, in->held.cap);
	in->is_busy = 1;
}

int intake_put(struct intake *in, const void *data, size_t len)
{
	size_t done;

	if (len > in->window || (in->has_ended && len > 0))
		return -EPROTO;
	in->window -= (uint32_t)len;
	in->came += len;
	if (len == 0)
		in->has_ended = 1;
	else
		in->last = ((const uint8_t *)data)[len - 1];
	done = pass(in, data, len);
	if (done < len)
		hold(in, (const uint8_t *)data + done, len - done);
	else if (in->held.len == 0)
		intake_feed(in); /* what is held waits for the loop to say so */
	return 0;
}

int intake_takes_pages(const struct intake *in)
{
	return in->end.w.fd >= 0 && !in->tty && in->held.len == 0 && !in->has_ended;
}

static int is_full(const struct intake *in)
{
	struct pollfd p = { .fd = in->end.w.fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 0;
}

ssize_t intake_splice(struct intake *in, int socket, size_t len)
{
	ssize_t n;

	if (len > in->window)
		return -EPROTO;
	do
		n = splice(socket, NULL, in->end.w.fd, NULL, len,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		in->window -= (uint32_t)n;
		in->taken += (uint32_t)n;
		in->came += (uint64_t)n;
	}
	if (n >= 0)
		return n;
	n = -errno;
	if (n == -EPIPE)
		give_up(in);
	return n == -EPIPE || n == -EINVAL || (n == -EAGAIN && is_full(in)) ? -ENOBUFS : n;
}

void intake_settle(struct intake *in)
{
	end_want(&in->end, in->held.len ? EPOLLOUT : 0);
}

uint32_t intake_open_window(struct intake *in)
{
	/* In whole frames: else what is left over becomes a frame, and the crumbs never end. */
	uint32_t bytes = in->taken - in->taken % FRAME_CHUNK;

	if (bytes < in->held.cap / 2 || in->has_ended)
		return 0;
	in->taken -= bytes;
	in->window += bytes;
	return bytes;
}

uint32_t intake_new_window(struct intake *in)
{
	in->taken = 0;
	in->window = in->end.w.fd >= 0 && !in->has_ended ? (uint32_t)fifo_room(&in->held) : 0;
	return in->window;
}
