/*
 * input - our stdin on its way to the command.
 */
#include "host/input.h"

#include <errno.h>
#include <unistd.h>

#include "base/util.h"
#include "proto/frame.h"

enum { LONG = 16 * 1024 }; /* what the system calls of a flow are worth */

int input_open(struct input *in, struct loop *l, void (*ready)(struct watch *w, uint32_t events))
{
	int rc;

	in->end = END_INIT(l, ready);
	fifo_init(&in->kept, in->mem, sizeof(in->mem));
	rc = stdio_open(&in->io, STDIN_FILENO);
	end_open(&in->end, in->io.fd);
	return rc;
}

void input_close(struct input *in)
{
	stdio_close(&in->io);
}

static size_t unsent(const struct input *in)
{
	return in->kept.len - in->sent;
}

/* Bytes that may be read now. */
static size_t appetite(const struct input *in)
{
	size_t most = in->window + (in->keys ? INPUT_AHEAD : 0);

	if (in->has_ended || unsent(in) >= most)
		return 0;
	return MIN(most - unsent(in), fifo_room(&in->kept));
}

int input_wants(const struct input *in)
{
	return appetite(in) > 0;
}

int input_read(struct input *in)
{
	struct iovec gap[2];
	size_t most = appetite(in);
	ssize_t n;

	if (most == 0)
		return 0;
	fifo_gaps(&in->kept, gap);
	n = stdio_read(&in->io, gap[0].iov_base, MIN(MIN(most, gap[0].iov_len), FRAME_CHUNK));
	if (n == -EAGAIN)
		return 0;
	if (n <= 0) { /* also EIO: a terminal that hung up, or whose foreground we are not */
		in->has_ended = 1;
		return 0;
	}
	if (n == FRAME_CHUNK)
		stdio_widen(&in->io);
	in->is_flowing = n == FRAME_CHUNK && in->io.is_pipe && in->io.is_own && !in->is_kept;
	if (in->keys)
		n = (ssize_t)detachkeys_pass(in->keys, gap[0].iov_base, (size_t)n);
	fifo_grew(&in->kept, (size_t)n);
	return 1;
}

size_t input_flow(const struct input *in)
{
	if (!in->is_flowing || in->keys || in->has_ended || unsent(in) > 0 || in->window < LONG)
		return 0;
	return MIN(in->window, FRAME_CHUNK);
}

int input_flowed(struct input *in, ssize_t n)
{
	if (n > 0) {
		in->at += (size_t)n;
		in->window -= (uint32_t)n;
	}
	in->has_ended = n == 0;
	in->is_flowing = n == -EAGAIN || n >= LONG;
	return n != -EAGAIN;
}

const uint8_t *input_next(const struct input *in, size_t *len)
{
	struct iovec span[2];
	size_t skip = in->sent, most = MIN(MIN(unsent(in), in->window), FRAME_CHUNK);
	int first = 0;

	*len = 0;
	if (unsent(in) == 0)
		return in->has_ended && !in->end_is_sent ? in->mem : NULL;
	if (most == 0)
		return NULL;
	fifo_spans(&in->kept, span);
	if (skip >= span[0].iov_len) {
		skip -= span[0].iov_len;
		first = 1;
	}
	*len = MIN(most, span[first].iov_len - skip);
	return (const uint8_t *)span[first].iov_base + skip;
}

void input_sent(struct input *in, size_t len)
{
	if (len == 0)
		in->end_is_sent = 1;
	in->window -= (uint32_t)len;
	if (in->is_kept) {
		in->sent += len;
	} else {
		fifo_drop(&in->kept, len);
		in->at += len;
	}
}

/* What the guest has taken need not be kept. */
static void forget(struct input *in)
{
	size_t done = in->taken > in->at ? MIN(in->taken - in->at, in->sent) : 0;

	fifo_drop(&in->kept, done);
	in->sent -= done;
	in->at += done;
}

int input_begin(struct input *in, uint64_t have, uint32_t window)
{
	if (!in->has_begun)
		in->at = have; /* ours begins where that of others ended */
	in->has_begun = 1;
	if (have < in->at || have - in->at > in->kept.len)
		return -EPROTO;
	in->sent = (size_t)(have - in->at);
	in->window = window;
	in->taken = have - MIN(have, EXEC_WINDOW - window);
	in->end_is_sent = 0;
	forget(in);
	return 0;
}

void input_pause(struct input *in)
{
	in->window = 0;
	in->end_is_sent = 1;
}

int input_taken(struct input *in, uint32_t more)
{
	if (more > EXEC_WINDOW - in->window)
		return -EPROTO;
	in->window += more;
	in->taken += more;
	forget(in);
	return 0;
}
