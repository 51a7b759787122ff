/*
 * caller - who is connected to one of the guest's servers.
 */
#include "guest/caller.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"

enum { TEXT_MAX = 600 }; /* of a refusal, with what is around it */

void caller_init(struct caller *c, struct end *end, void *in, size_t in_len, void *out,
		 size_t out_len)
{
	c->end = end;
	c->is_leaving = c->is_shut = 0;
	inbox_init(&c->in, in, in_len);
	fifo_init(&c->out, out, out_len);
}

int caller_send(struct caller *c, uint8_t type, const void *data, long len)
{
	return len < 0 ? (int)len : frame_post(&c->out, c->end->w.fd, type, data, (size_t)len);
}

int caller_refuse(struct caller *c, const struct refusal *f)
{
	uint8_t mem[TEXT_MAX];

	c->is_leaving = 1;
	return caller_send(c, FRAME_ERROR, mem, refusal_encode(f, mem, sizeof(mem)));
}

int caller_flush(struct caller *c)
{
	ssize_t n = fifo_write(&c->out, c->end->w.fd);

	return n < 0 && n != -EAGAIN ? (int)n : 0;
}

static int came(ssize_t n)
{
	return n > 0 ? 1 : n == -EAGAIN ? 0 : n == 0 ? -ECONNRESET : (int)n;
}

int caller_read(struct caller *c)
{
	return came(inbox_fill(&c->in, c->end->w.fd));
}

int caller_read_frame(struct caller *c)
{
	return came(inbox_fill_frame(&c->in, c->end->w.fd));
}

int caller_await_close(struct caller *c)
{
	ssize_t n = fd_read(c->end->w.fd, c->in.mem, c->in.cap);

	return n > 0 || n == -EAGAIN ? 0 : -ECONNRESET;
}

int caller_settle(struct caller *c)
{
	if (c->is_leaving && c->out.len == 0 && !c->is_shut) {
		shutdown(c->end->w.fd, SHUT_WR);
		c->is_shut = 1;
	}
	return end_want(c->end, EPOLLIN | (c->out.len ? EPOLLOUT : 0u));
}
