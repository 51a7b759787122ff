/*
 * errand - a command in the guest that the agent itself runs, from its loop.
 */
#include "host/errand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/sockets.h"
#include "host/text.h"
#include "proto/ports.h"
#include "proto/refusal.h"

enum { LINE_ROOM = 256 };

struct errand_work {
	struct exec_req request;
	struct inbox in;
	struct fifo out;      /* everything we have to say, from the beginning */
	char line[LINE_ROOM]; /* of its output, as far as it has come */
	size_t line_len;
	uint8_t in_mem[FRAME_HEADER + FRAME_CHUNK];
	uint8_t out_mem[FRAME_CHUNK + ERRAND_INPUT_MAX + 16 * FRAME_HEADER];
};

static void let_go(struct errand *r)
{
	loop_cancel(r->loop, &r->late);
	if (r->conn.fd >= 0)
		loop_del(r->loop, &r->conn);
	fd_close(&r->conn.fd);
	free(r->work);
	r->work = NULL;
}

static void finish(struct errand *r, enum errand_end end, int code, const char *said)
{
	r->end = end;
	r->code = code;
	if (said)
		text_clean(r->said, sizeof(r->said), said, strlen(said));
	let_go(r);
	r->over(r);
}

/* --- what it says --- */

static void line_ends(struct errand *r)
{
	struct errand_work *w = r->work;

	if (w->line_len)
		text_clean(r->said, sizeof(r->said), w->line, w->line_len);
	w->line_len = 0;
}

static void take_output(struct errand *r, const char *text, size_t len)
{
	struct errand_work *w = r->work;

	if (r->heard && len)
		r->heard(r, text, len);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			line_ends(r);
		else if (w->line_len < sizeof(w->line))
			w->line[w->line_len++] = text[i];
	}
}

static void refused(struct errand *r, const struct frame *f)
{
	struct refusal why;

	if (refusal_decode(&why, f->data, f->len) < 0)
		finish(r, ERRAND_LOST, 125, "the guest's refusal cannot be read");
	else
		finish(r, ERRAND_REFUSED, refusal_code(&why), why.text);
}

static void exited(struct errand *r, const struct frame *f)
{
	struct exec_status status;

	if (exec_status_decode(&status, f->data, f->len) < 0) {
		finish(r, ERRAND_LOST, 125, "its exit status cannot be read");
		return;
	}
	line_ends(r);
	finish(r, ERRAND_EXITED, exec_status_code(&status), NULL);
}

/* May end it. */
static void take_frame(struct errand *r, const struct frame *f)
{
	switch (f->type) {
	case FRAME_STDOUT:
	case FRAME_STDERR:
		take_output(r, (const char *)f->data, f->len);
		break;
	case FRAME_EXIT:
		exited(r, f);
		break;
	case FRAME_ERROR:
		refused(r, f);
		break;
	default: /* STARTED, STDIN_WINDOW: we have all we want */
		break;
	}
}

static int take_frames(struct errand *r)
{
	struct frame f;
	ssize_t n = inbox_fill(&r->work->in, r->conn.fd);
	int rc = 0;

	if (n <= 0)
		return n == -EAGAIN ? 0 : n < 0 ? (int)n : -ECONNRESET;
	while (r->work && (rc = frame_next(&r->work->in, &f)) > 0)
		take_frame(r, &f);
	return r->work ? rc : 0;
}

/* --- what we say --- */

static int say_more(struct errand *r)
{
	struct fifo *out = &r->work->out;
	ssize_t n = 0;

	while (out->len && (n = fifo_write(out, r->conn.fd)) > 0)
		;
	if (n < 0 && n != -EAGAIN)
		return (int)n;
	loop_mod(r->loop, &r->conn, out->len ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return 0;
}

static int put_input(struct fifo *out, const char *text, size_t len)
{
	int rc = 0;

	for (size_t piece; rc == 0 && len; text += piece, len -= piece) {
		piece = MIN(len, (size_t)FRAME_CHUNK);
		rc = frame_put(out, FRAME_STDIN, text, piece);
	}
	return rc < 0 ? rc : frame_put(out, FRAME_STDIN, NULL, 0);
}

static int compose(struct errand_work *w, const struct errand_ask *ask)
{
	struct exec_req *q = &w->request;
	long len;
	int rc;

	q->user = q->cwd = q->id = "";
	q->policy = EXEC_KILL;
	q->flags = ask->input ? EXEC_STDIN : 0;
	for (q->argc = 0; ask->argv[q->argc]; q->argc++) {
		if (q->argc == EXEC_ARGS_MAX)
			return -E2BIG;
		q->argv[q->argc] = ask->argv[q->argc];
	}
	len = exec_req_encode(q, w->in_mem, FRAME_CHUNK); /* nothing has come in yet */
	if (len < 0 || ask->input_len > ERRAND_INPUT_MAX)
		return -E2BIG;
	rc = frame_put(&w->out, FRAME_EXEC, w->in_mem, (size_t)len);
	if (rc == 0 && ask->input)
		rc = put_input(&w->out, ask->input, ask->input_len);
	return rc;
}

/* --- the connection --- */

static void lost(struct errand *r, int rc)
{
	char text[CONDITION_TEXT_MAX];

	snprintf(text, sizeof(text), "%s the guest's exec server: %s",
		 r->is_up ? "the connection to" : "no connection to", strerror(-rc));
	finish(r, ERRAND_LOST, 125, text);
}

static void conn_ready(struct watch *w, uint32_t events)
{
	struct errand *r = CONTAINER(w, struct errand, conn);
	int rc = 0;

	if (!r->is_up) {
		rc = dial_step(&r->dial);
		if (rc == -EAGAIN)
			return;
		r->is_up = rc == 0;
		events = EPOLLOUT;
	}
	if (rc == 0 && events & EPOLLOUT)
		rc = say_more(r);
	if (rc == 0 && events & ~(uint32_t)EPOLLOUT)
		rc = take_frames(r);
	if (rc < 0 && r->work)
		lost(r, rc);
}

static void late_due(struct timer *t)
{
	struct errand *r = CONTAINER(t, struct errand, late);
	char text[CONDITION_TEXT_MAX];

	line_ends(r);
	snprintf(text, sizeof(text), "not over in time%s%.100s",
		 r->said[0] ? "; the last it said: " : "", r->said);
	finish(r, ERRAND_LATE, 124, text);
}

/* So that over() always comes from the loop. */
static void no_connection(struct timer *t)
{
	struct errand *r = CONTAINER(t, struct errand, late);

	lost(r, r->code);
}

static void connect_guest(struct errand *r, int sockets_dir, unsigned timeout_ms)
{
	char path[SOCKET_PATH_ROOM];
	int rc = dial_begin(&r->dial, sockets_path(path, sockets_dir, "vsock.sock"), PORT_EXEC);

	if (rc == 0) {
		r->conn.fd = r->dial.fd;
		rc = loop_add(r->loop, &r->conn, EPOLLIN);
	}
	if (rc < 0) {
		r->late.due = no_connection;
		r->code = rc;
		loop_after(r->loop, &r->late, 0);
	} else if (timeout_ms) {
		r->late.due = late_due;
		loop_after(r->loop, &r->late, timeout_ms);
	}
}

int errand_start(struct errand *r, struct loop *l, int sockets_dir, const struct errand_ask *ask)
{
	struct errand_work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	inbox_init(&w->in, w->in_mem, sizeof(w->in_mem));
	fifo_init(&w->out, w->out_mem, sizeof(w->out_mem));
	rc = compose(w, ask);
	if (rc < 0) {
		free(w);
		return rc;
	}
	r->loop = l;
	r->conn = (struct watch){ -1, conn_ready };
	r->work = w;
	r->is_up = 0;
	r->said[0] = '\0';
	connect_guest(r, sockets_dir, ask->timeout_ms);
	return 0;
}

void errand_stop(struct errand *r)
{
	if (r->work)
		let_go(r);
}
