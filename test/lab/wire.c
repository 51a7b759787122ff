/*
 * wire - the control port between the runner and the lab's init.
 */
#include "wire.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/util.h"

static void watch_for(struct wire *w)
{
	loop_mod(w->loop, &w->port, w->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int deliver(struct wire *w)
{
	struct frame f;
	int rc;

	while ((rc = frame_next(&w->in, &f)) > 0) {
		w->heard(w, &f);
		if (w->port.fd < 0)
			return 1; /* closed by the handler */
	}
	return rc;
}

static void port_ready(struct watch *watch, uint32_t events)
{
	struct wire *w = CONTAINER(watch, struct wire, port);
	ssize_t n = fifo_write(&w->out, watch->fd);
	int rc;

	if (n < 0 && n != -EAGAIN) {
		w->lost(w, (int)n);
		return;
	}
	watch_for(w);
	if (!(events & ~(uint32_t)EPOLLOUT))
		return;
	n = inbox_fill(&w->in, watch->fd);
	rc = deliver(w);
	if (rc < 0)
		w->lost(w, rc);
	else if (rc == 0 && n <= 0 && n != -EAGAIN)
		w->lost(w, (int)n);
}

int wire_open(struct wire *w, struct loop *l, int fd)
{
	w->loop = l;
	w->port = (struct watch){ fd, port_ready };
	return loop_add(l, &w->port, EPOLLIN);
}

void wire_close(struct wire *w)
{
	loop_del(w->loop, &w->port);
	fd_close(&w->port.fd);
}

static int put(struct wire *w, enum wire_type type, const void *data, size_t len)
{
	int rc = frame_put(&w->out, (uint8_t)type, data, len);

	if (rc == 0)
		watch_for(w);
	return rc;
}

int wire_text(struct wire *w, enum wire_type type, const char *text)
{
	return put(w, type, text, strlen(text));
}

int wire_numbers(struct wire *w, enum wire_type type, uint64_t a, uint64_t b)
{
	uint8_t payload[16];
	struct wr wr = wr_init(payload, sizeof(payload));

	wr_be64(&wr, a);
	wr_be64(&wr, b);
	return put(w, type, payload, sizeof(payload));
}

void wire_read(const struct frame *f, uint64_t *a, uint64_t *b)
{
	struct rd rd = rd_init(f->data, f->len);

	*a = rd_be64(&rd);
	*b = rd_be64(&rd);
	if (!rd_done(&rd))
		*a = *b = 0;
}
