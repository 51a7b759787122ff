/*
 * outlet - our stdout or stderr, and how much of the command's output has gone there.
 */
#include "host/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int outlet_open(struct outlet *o, int which, struct loop *l,
		void (*ready)(struct watch *w, uint32_t events))
{
	int rc;

	o->end = END_INIT(l, ready);
	o->name = which == STDOUT_FILENO ? "standard output" : "standard error";
	rc = stdio_open(&o->io, which);
	end_open(&o->end, o->io.fd);
	return rc;
}

void outlet_close(struct outlet *o)
{
	stdio_close(&o->io);
}

static void take(struct outlet *o, size_t len)
{
	if (len == 0)
		return;
	o->seen += len;
	o->rest += len;
	o->rest_len -= len;
}

int outlet_takes_pages(const struct outlet *o)
{
	return o->io.is_pipe && o->io.is_own && o->rest_len == 0 && !o->is_broken;
}

ssize_t outlet_splice(struct outlet *o, int socket, size_t len)
{
	ssize_t n;

	do
		n = splice(socket, NULL, o->io.fd, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		o->seen += (uint64_t)n;
	if (n >= 0)
		return n;
	n = -errno;
	if (n == -EPIPE)
		o->is_broken = 1;
	if (n == -EAGAIN && !stdio_has_room(&o->io)) {
		o->is_full = 1;
		stdio_widen(&o->io);
	}
	return n;
}

int outlet_flush(struct outlet *o)
{
	o->is_full = 0;
	while (o->rest_len > 0 && !o->is_broken) {
		ssize_t n = stdio_write(&o->io, o->rest, o->rest_len);

		if (n == -EAGAIN) {
			stdio_widen(&o->io);
			return 1;
		}
		if (n == -EPIPE)
			o->is_broken = 1;
		if (n < 0) {
			take(o, o->rest_len);
			return (int)n;
		}
		take(o, (size_t)n);
	}
	take(o, o->rest_len);
	return 0;
}

int outlet_put(struct outlet *o, const uint8_t *data, size_t len)
{
	o->rest = data;
	o->rest_len = len;
	return outlet_flush(o);
}

void outlet_forget(struct outlet *o)
{
	o->is_full = 0;
	o->rest = NULL;
	o->rest_len = 0;
}
