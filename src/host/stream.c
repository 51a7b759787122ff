/*
 * stream - a connection to something the guest can reach, through its stream server (4093).
 */
#include "host/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "host/text.h"
#include "proto/frame.h"
#include "proto/ports.h"
#include "proto/refusal.h"

enum {
	ANSWER_MAX = 1024,
	GUEST_MS = 5000, /* beyond the request's own time: the guest is slow, not its destination */
	ERRNO_MAX = 4095,
};

static int ask(int fd, const struct stream_req *q)
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

/* Exactly one frame: what is behind it is the destination's. */
static int take_answer(int fd, int64_t deadline_ms, struct err *e)
{
	uint8_t mem[FRAME_HEADER + ANSWER_MAX];
	struct stream_opened o;
	struct rd r = rd_init(mem, FRAME_HEADER);
	uint32_t len;
	uint8_t type;
	int rc = fd_read_until(fd, mem, FRAME_HEADER, deadline_ms);

	if (rc < 0)
		return rc;
	type = rd_u8(&r);
	len = rd_be32(&r);
	if (len > ANSWER_MAX)
		return -EPROTO;
	rc = fd_read_until(fd, mem + FRAME_HEADER, len, deadline_ms);
	if (rc < 0)
		return rc;
	if (type == FRAME_ERROR)
		return refused(mem + FRAME_HEADER, len, e);
	if (type != FRAME_OPENED)
		return -EPROTO;
	return stream_opened_decode(&o, mem + FRAME_HEADER, len);
}

/* Whatever has no sentence yet. */
static int explain(struct err *e, int rc)
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

int stream_open(const struct target *t, const struct stream_req *q, struct err *e)
{
	int fd = target_dial(t, PORT_STREAM, e), rc;

	if (fd < 0)
		return err_in(e, "%s", t->name);
	rc = ask(fd, q);
	if (rc == 0)
		rc = take_answer(fd, clock_ms() + q->timeout_ms + GUEST_MS, e);
	if (rc == 0)
		return fd;
	fd_close(&fd);
	explain(e, rc);
	return err_in(e, "%s", t->name);
}
