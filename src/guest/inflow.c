/*
 * inflow - a long frame of input on its way from the connection to the command's stdin, past our
 * memory.
 */
#include "guest/inflow.h"

#include <errno.h>

#include "base/fd.h"
#include "base/util.h"

enum {
	LONG = 16 * 1024, /* what two more system calls are worth */
	SCRAP = 16 * 1024,
};

void inflow_expect(struct inflow *f, const struct session *s, const struct frame *frame)
{
	f->is_expected = frame->type == FRAME_STDIN && frame->len >= FRAME_CHUNK &&
			 session_takes_pages(s);
}

int inflow_begin(struct inflow *f, struct inbox *in, struct session *s)
{
	struct frame frame;
	ssize_t have = frame_begun(in, &frame);

	if (have < 0 || frame.type != FRAME_STDIN || frame.len < LONG || !session_takes_pages(s))
		return 0;
	f->left = frame.len - (uint32_t)have;
	in->at = in->end;
	if (have > 0 && session_input(s, frame.data, (size_t)have) < 0)
		return -EPROTO;
	return 1;
}

/* Through our memory: to be held, or nowhere. */
static ssize_t take(struct inflow *f, int fd, struct session *s)
{
	uint8_t scrap[SCRAP];
	ssize_t n = fd_read(fd, scrap, MIN(f->left, sizeof(scrap)));

	if (n > 0 && s && session_input(s, scrap, (size_t)n) < 0)
		return -EPROTO;
	return n;
}

int inflow_go(struct inflow *f, int fd, struct session *s)
{
	while (f->left > 0) {
		ssize_t n = s && session_takes_pages(s) ? session_splice(s, fd, f->left) : -ENOBUFS;

		if (n == -ENOBUFS)
			n = take(f, fd, s);
		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		f->left -= (uint32_t)n;
	}
	return 1;
}
