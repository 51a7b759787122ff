/*
 * wire - a tree on a connection: the sink at one end, the source at the other.
 */
#include "tree/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/util.h"
#include "proto/refusal.h"

enum {
	OUT_ROOM = FRAME_HEADER + COPY_FRAME_MAX,
	GATHER = 64 * 1024, /* small frames go out together, up to this */
};

static int broken(struct err *e, int rc)
{
	if (rc == -ENODATA || rc == -EPIPE || rc == -ECONNRESET)
		return err_set(e, -ECONNRESET, "the connection ended before it was done");
	if (rc == -EPROTO || rc == -EMSGSIZE)
		return err_set(e, -EPROTO, "the other side does not speak the protocol");
	return err_set(e, rc, "connection: %s", strerror(-rc));
}

static int take_refusal(const struct frame *f, struct err *e)
{
	struct refusal no;

	if (refusal_decode(&no, f->data, f->len) < 0)
		return broken(e, -EPROTO);
	return err_set(e, no.why == REFUSED_LIMIT ? -EAGAIN : -EREMOTEIO, "%s", no.text);
}

/* What comes against the stream, or behind it. 0, or negative with *e filled. */
static int take_back(struct wire *w, const struct frame *f, struct err *e)
{
	struct copy_msg m;

	switch (f->type) {
	case FRAME_ERROR:
		return take_refusal(f, e);
	case FRAME_COPY_DONE:
		w->done = 1;
		return 0;
	case FRAME_COPY_PROBLEM:
		if (copy_msg_decode(&m, f) < 0)
			break;
		report_line(w->report, m.text);
		return 0;
	}
	return broken(e, -EPROTO);
}

/* One read, and the frames it made whole. */
static int read_back(struct wire *w, struct err *e)
{
	ssize_t n = inbox_fill(&w->in, w->fd);
	struct frame f;
	int rc;

	if (n <= 0 && n != -EAGAIN)
		return broken(e, n < 0 ? (int)n : -ENODATA);
	while ((rc = frame_next(&w->in, &f)) > 0) {
		rc = take_back(w, &f, e);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? broken(e, rc) : 0;
}

/* The other side takes no more: its reason is in what it said before that. */
static int last_word(struct wire *w, int why, struct err *e)
{
	int rc = 0;

	if (why != -EPIPE && why != -ECONNRESET)
		return broken(e, why);
	while (rc == 0 && !w->done) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };

		poll(&p, 1, -1);
		rc = read_back(w, e);
	}
	return rc < 0 ? rc : broken(e, why);
}

static int wait_for_room(struct wire *w, struct err *e)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN | POLLOUT };

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	return p.revents & POLLIN ? read_back(w, e) : 0;
}

/* All of v, which is used up. */
static int send_all(struct wire *w, struct iovec *v, size_t count, struct err *e)
{
	while (count > 0) {
		struct msghdr m = { .msg_iov = v, .msg_iovlen = count };
		ssize_t n = sendmsg(w->fd, &m, MSG_NOSIGNAL);
		int rc;

		if (n < 0 && errno == EAGAIN) {
			rc = wait_for_room(w, e);
			if (rc < 0)
				return rc;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return last_word(w, -errno, e);
		while (count > 0 && (size_t)n >= v->iov_len) {
			n -= (ssize_t)v->iov_len;
			v++;
			count--;
		}
		if (count > 0) {
			v->iov_base = (uint8_t *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return 0;
}

static int flush(struct wire *w, struct err *e)
{
	struct iovec v = { w->out, w->out_len };

	w->out_len = 0;
	return v.iov_len ? send_all(w, &v, 1, e) : 0;
}

/* Behind what is gathered, without copying it. */
static int send_data(struct wire *w, const struct copy_msg *m, struct err *e)
{
	struct iovec v[2];

	frame_header(w->out + w->out_len, m->type, (uint32_t)m->data.len);
	v[0] = (struct iovec){ w->out, w->out_len + FRAME_HEADER };
	v[1] = (struct iovec){ (void *)m->data.at, m->data.len };
	w->out_len = 0;
	return send_all(w, v, 2, e);
}

static int gather(struct wire *w, const struct copy_msg *m, struct err *e)
{
	uint8_t *at = w->out + w->out_len;
	long len;

	if (m->type == FRAME_COPY_DATA && m->data.len <= OUT_ROOM - GATHER - FRAME_HEADER) {
		memcpy(at + FRAME_HEADER, m->data.at, m->data.len);
		len = (long)m->data.len;
	} else {
		len = copy_msg_encode(m, at + FRAME_HEADER, OUT_ROOM - w->out_len - FRAME_HEADER);
	}
	if (len < 0)
		return err_set(e, (int)len, "an entry of %ld bytes and more", (long)OUT_ROOM);
	frame_header(at, m->type, (uint32_t)len);
	w->out_len += FRAME_HEADER + (size_t)len;
	return w->out_len > GATHER ? flush(w, e) : 0;
}

static int wire_take(struct sink *s, const struct copy_msg *m, struct err *e)
{
	struct wire *w = CONTAINER(s, struct wire, sink);
	int rc = 0;

	if (m->type == FRAME_COPY_DATA && m->data.len > GATHER / 4)
		return send_data(w, m, e);
	/* The largest entry needs the whole room. */
	if (m->type == FRAME_COPY_ENTRY && w->out_len + m->entry.xattrs_len > GATHER)
		rc = flush(w, e);
	return rc < 0 ? rc : gather(w, m, e);
}

int wire_open(struct wire *w, int fd, struct report *r)
{
	*w = (struct wire){ .sink.take = wire_take, .fd = fd, .report = r };
	w->out = malloc(OUT_ROOM);
	w->in_mem = malloc(WIRE_ROOM);
	if (!w->out || !w->in_mem)
		return -ENOMEM;
	inbox_init(&w->in, w->in_mem, WIRE_ROOM);
	return 0;
}

void wire_close(struct wire *w)
{
	free(w->out);
	free(w->in_mem);
	w->out = w->in_mem = NULL;
}

int wire_say(struct wire *w, uint8_t type, const void *data, size_t len, struct err *e)
{
	uint8_t head[FRAME_HEADER];
	struct iovec v[2] = { { head, sizeof(head) }, { (void *)data, len } };
	int rc = flush(w, e);

	frame_header(head, type, (uint32_t)len);
	return rc < 0 ? rc : send_all(w, v, 2, e);
}

int wire_put(struct wire *w, uint8_t type, const void *data, size_t len, struct err *e)
{
	uint8_t *at = w->out + w->out_len;

	if (FRAME_HEADER + len > OUT_ROOM - w->out_len)
		return err_set(e, -EMSGSIZE, "a frame of %zu bytes", len);
	frame_header(at, type, (uint32_t)len);
	if (len)
		memcpy(at + FRAME_HEADER, data, len);
	w->out_len += FRAME_HEADER + len;
	return w->out_len > GATHER ? flush(w, e) : 0;
}

int wire_await_go(struct wire *w, int timeout_ms, struct err *e)
{
	int64_t until = clock_ms() + timeout_ms;
	struct frame f;
	int rc;

	while ((rc = frame_next(&w->in, &f)) == 0) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };
		int64_t left = until - clock_ms();
		ssize_t n;

		/* What came in time counts, however late we get to look. */
		if (poll(&p, 1, (int)MAX(left, 0)) == 0 && left <= 0)
			return err_deadline(e, "no answer in %d s", timeout_ms / 1000);
		n = inbox_fill(&w->in, w->fd);
		if (n <= 0 && n != -EAGAIN)
			return broken(e, n < 0 ? (int)n : -ENODATA);
	}
	if (rc < 0)
		return broken(e, rc);
	if (f.type == FRAME_ERROR)
		return take_refusal(&f, e);
	return f.type == FRAME_COPY_GO && f.len == 0 ? 0 : broken(e, -EPROTO);
}

int wire_finish(struct wire *w, struct err *e)
{
	int rc = wire_say(w, FRAME_COPY_END, NULL, 0, e);

	while (rc == 0 && !w->done) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };

		poll(&p, 1, -1);
		rc = read_back(w, e);
	}
	return rc;
}

int wire_receive(struct wire *w, struct sink *to, struct err *e)
{
	struct frame f;
	int rc;

	while ((rc = frame_recv(&w->in, w->fd, &f)) == 0) {
		struct copy_msg m;

		if (f.type == FRAME_COPY_END)
			return f.len == 0 ? 0 : broken(e, -EPROTO);
		if (f.type == FRAME_ERROR)
			return take_refusal(&f, e);
		rc = copy_msg_decode(&m, &f);
		if (rc < 0)
			break;
		if (m.type == FRAME_COPY_PROBLEM)
			report_line(w->report, m.text);
		else
			rc = sink_take(to, &m, e);
		if (rc < 0)
			return rc;
	}
	return broken(e, rc);
}
