/*
 * stream - a connection to something the guest can reach, through its stream server (4093).
 */
#include "host/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/dial.h"
#include "host/text.h"
#include "proto/ports.h"
#include "proto/refusal.h"

enum { ERRNO_MAX = 4095 };

int stream_ask(int fd, const struct stream_req *q)
{
	uint8_t mem[FRAME_HEADER + STREAM_REQ_MAX];
	long len = stream_req_encode(q, mem + FRAME_HEADER, STREAM_REQ_MAX);
	ssize_t n;

	if (len < 0)
		return (int)len;
	frame_header(mem, FRAME_OPEN, (uint32_t)len);
	n = send(fd, mem, FRAME_HEADER + (size_t)len, MSG_NOSIGNAL);
	/* A fresh socket has room for it: short is broken. */
	return n == FRAME_HEADER + len ? 0 : n < 0 ? -errno : -EPROTO;
}

/* The sentence is the guest's: nothing in it may steer our terminal. */
static int refused(const uint8_t *data, size_t len, struct err *e)
{
	struct refusal why;
	char text[256];

	if (refusal_decode(&why, data, len) < 0)
		return -EPROTO;
	text_clean(text, sizeof(text), why.text, strlen(why.text));
	if (why.why == REFUSED_TIMEOUT)
		return err_deadline(e, "%s", text);
	return err_set(e, why.sys > 0 && why.sys <= ERRNO_MAX ? -(int)why.sys : -EREMOTEIO, "%s",
		       text);
}

/* What the whole answer is worth. */
static int take_answer(const struct stream_answer *a, size_t len, struct err *e)
{
	const uint8_t *payload = a->mem + FRAME_HEADER;
	struct stream_opened o;

	if (a->mem[0] == FRAME_ERROR)
		return refused(payload, len, e);
	return a->mem[0] == FRAME_OPENED ? stream_opened_decode(&o, payload, len) : -EPROTO;
}

/* The length of the answer, as far as it is known by now; or -EPROTO. */
static long answer_length(const struct stream_answer *a)
{
	struct rd r = rd_init(a->mem, a->have);
	uint32_t len;

	if (a->have < FRAME_HEADER)
		return FRAME_HEADER;
	rd_u8(&r);
	len = rd_be32(&r);
	return len > STREAM_ANSWER_MAX ? -EPROTO : (long)(FRAME_HEADER + len);
}

/* Exactly one frame: what is behind it is the destination's. */
int stream_step(struct stream_answer *a, int fd, struct err *e)
{
	long len;

	while ((len = answer_length(a)) > (long)a->have) {
		ssize_t n = fd_read(fd, a->mem + a->have, (size_t)len - a->have);

		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;
		a->have += (size_t)n;
	}
	return len < 0 ? (int)len : take_answer(a, (size_t)len - FRAME_HEADER, e);
}

static int await_answer(int fd, int64_t deadline_ms, struct err *e)
{
	struct stream_answer a = { 0 };
	int rc;

	while ((rc = stream_step(&a, fd, e)) == -EAGAIN && e->code == 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - clock_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		poll(&p, 1, (int)MIN(left, INT_MAX));
	}
	return rc;
}

int stream_explain(struct err *e, int rc)
{
	if (e->code < 0)
		return e->code;
	if (rc == -ETIMEDOUT)
		return err_deadline(e, "the guest's stream server did not answer in time");
	if (rc == -EPROTO)
		return err_set(e, rc, "the guest's stream server sent what no such server sends");
	if (rc == -ENODATA || rc == -ECONNRESET)
		return err_set(e, -ECONNRESET, "the guest's stream server closed the connection");
	return err_set(e, rc, "the guest's stream server: %s", strerror(-rc));
}

/* The guest gives up a little before us: it knows who did not answer, and we do not. */
static uint32_t guests_share(uint32_t ms)
{
	return ms - MIN(ms / 10, 500);
}

int stream_open(const struct target *t, const struct stream_req *q, struct err *e)
{
	int64_t deadline_ms = clock_ms() + q->timeout_ms;
	int fd = dial_vsock(t->vsock, PORT_STREAM, deadline_ms, e), rc;
	struct stream_req asked = *q;

	if (fd < 0)
		return err_in(e, "%s", t->name);
	asked.timeout_ms = guests_share(q->timeout_ms);
	rc = stream_ask(fd, &asked);
	if (rc == 0)
		rc = await_answer(fd, deadline_ms, e);
	if (rc == 0)
		return fd;
	fd_close(&fd);
	stream_explain(e, rc);
	return err_in(e, "%s", t->name);
}
