/*
 * outlet - our stdout or stderr, and how much of the command's output has gone there.
 */
#include "host/outlet.h"

#include <errno.h>
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

int outlet_flush(struct outlet *o)
{
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
	o->rest = NULL;
	o->rest_len = 0;
}
