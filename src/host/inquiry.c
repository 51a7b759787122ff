/*
 * inquiry - what a guest says of itself, asked by a caller that may wait, but not for long.
 */
#include "host/inquiry.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/dial.h"
#include "host/text.h"
#include "proto/ports.h"
#include "proto/refusal.h"

/* 0 or a negative errno: -ETIMEDOUT, -ENODATA at the end. */
static int receive(struct inbox *in, int fd, struct frame *f, int64_t deadline_ms)
{
	int rc;

	while ((rc = frame_next(in, f)) == 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - clock_ms();
		ssize_t n;

		if (left <= 0 || (poll(&p, 1, (int)MIN(left, INT32_MAX)) < 0 && errno != EINTR))
			return -ETIMEDOUT;
		n = inbox_fill(in, fd);
		if (n <= 0 && n != -EAGAIN)
			return n < 0 ? (int)n : -ENODATA;
	}
	return rc < 0 ? rc : 0;
}

static int refused(const struct frame *f, struct err *e)
{
	struct refusal why;
	char text[200];

	if (refusal_decode(&why, f->data, f->len) < 0)
		return err_set(e, -EPROTO, "the guest's refusal cannot be read");
	return err_set(e, why.why == REFUSED_NOT_FOUND ? -ESRCH : -EPROTO, "the guest refused: %s",
		       text_clean(text, sizeof(text), why.text, strlen(why.text)));
}

/* The answer, which is of the question's type, lies in `in`. 0 or negative with *e filled. */
static int exchange(int fd, struct inbox *in, uint8_t type, const void *data, size_t len,
		    int64_t deadline_ms, struct frame *f, struct err *e)
{
	int rc = frame_send(fd, type, data, len);

	if (rc == 0)
		rc = receive(in, fd, f, deadline_ms);
	if (rc == 0 && f->type == FRAME_ERROR)
		return refused(f, e);
	if (rc == 0 && f->type != type)
		rc = -EPROTO;
	if (rc == -ETIMEDOUT)
		return err_deadline(e, "the guest's agent did not answer in time");
	return rc < 0 ? err_set(e, rc, "ask the guest's agent: %s", strerror(-rc)) : 0;
}

/* The answer is copied to or decoded by `take`. */
static int ask(struct inquiry *q, int fd, uint8_t type, int64_t deadline_ms,
	       int (*take)(struct inquiry *q, const struct frame *f), struct err *e)
{
	struct inbox in;
	struct frame f;
	int rc;

	inbox_init(&in, q->in_mem, sizeof(q->in_mem));
	rc = exchange(fd, &in, type, NULL, 0, deadline_ms, &f, e);
	if (rc < 0)
		return rc;
	rc = take(q, &f);
	return rc < 0 ? err_set(e, rc, "ask the guest's agent: %s", strerror(-rc)) : 0;
}

static int take_info(struct inquiry *q, const struct frame *f)
{
	if (f->len > sizeof(q->mem))
		return -EPROTO;
	memcpy(q->mem, f->data, f->len);
	return agent_info_decode(&q->info, q->mem, f->len);
}

static int take_ports(struct inquiry *q, const struct frame *f)
{
	return agent_ports_decode(&q->ports, f->data, f->len);
}

int inquiry_make(struct inquiry *q, const char *vsock, int64_t deadline_ms, struct err *e)
{
	int fd = dial_vsock(vsock, PORT_AGENT, deadline_ms, e), rc;

	if (fd < 0)
		return fd;
	rc = ask(q, fd, FRAME_INFO, deadline_ms, take_info, e);
	if (rc == 0)
		rc = ask(q, fd, FRAME_PORTS, deadline_ms, take_ports, e);
	fd_close(&fd);
	return rc;
}

int inquiry_signal_main(const char *vsock, uint32_t number, int64_t deadline_ms, struct err *e)
{
	int fd = dial_vsock(vsock, PORT_AGENT, deadline_ms, e), rc;
	uint8_t mem[FRAME_HEADER + 512], data[4];
	struct wr w = wr_init(data, sizeof(data));
	struct inbox in;
	struct frame f;

	if (fd < 0)
		return fd;
	wr_be32(&w, number);
	inbox_init(&in, mem, sizeof(mem));
	rc = exchange(fd, &in, FRAME_SIGNAL_MAIN, data, sizeof(data), deadline_ms, &f, e);
	fd_close(&fd);
	return rc;
}
