/*
 * fs - the host's end of one question about a guest's files, or of one change to them.
 */
#include "host/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/errname.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/text.h"
#include "proto/ports.h"
#include "proto/refusal.h"
#include "tree/trail.h"
#include "tree/wire.h"

enum { GO_MS = 10000, FOLDER_MAX = FRAME_MAX };

struct ask {
	const struct target *target;  /* borrowed */
	const struct fs_listener *to; /* borrowed */
	struct wire wire;
	struct report report; /* the wire wants one; these are no copies */
	struct trail folder;
	unsigned long problems;
};

static void ignore_line(struct report *r, const char *text)
{
	(void)r;
	(void)text;
}

static int nonsense(struct err *e)
{
	return err_set(e, -EPROTO, "the guest's answer cannot be read");
}

/* --- what comes --- */

static int take_entry(struct ask *a, const struct frame *f, struct err *e)
{
	struct fs_entry n;

	if (fs_entry_decode(&n, f->data, f->len) < 0)
		return nonsense(e);
	return a->to->entry(a->to->arg, trail_text(&a->folder), &n, e);
}

static int take_enter(struct ask *a, const struct frame *f, struct err *e)
{
	const char *name = fs_enter_decode(f->data, f->len);

	if (!name)
		return nonsense(e);
	/* The guest must not make us grow for ever. */
	if (a->folder.len > FOLDER_MAX)
		return err_set(e, -ENAMETOOLONG, "a path of more than %d bytes", FOLDER_MAX);
	return trail_enter(&a->folder, name) < 0 ? err_set(e, -ENOMEM, "no memory for a path") : 0;
}

static int take_up(struct ask *a, const struct frame *f, struct err *e)
{
	if (f->len > 0 || a->folder.depth == 0)
		return nonsense(e);
	trail_leave(&a->folder);
	return 0;
}

/* The guest's bytes: they must not drive the terminal. */
static int take_problem(struct ask *a, const struct frame *f, struct err *e)
{
	char path[4 * FS_SAID_MAX], what[4 * FS_SAID_MAX], number[32];
	struct fs_problem p;
	const char *name;

	if (fs_problem_decode(&p, f->data, f->len) < 0)
		return nonsense(e);
	text_escape(path, sizeof(path), p.path, strlen(p.path));
	text_escape(what, sizeof(what), p.what, strlen(p.what));
	name = errname(p.sys);
	snprintf(number, sizeof(number), "errno %u", p.sys);
	a->problems++;
	fflush(stdout);
	if (p.sys)
		fprintf(stderr, "vmtool fs: %s:%s: %s%s%s (%s)\n", a->target->name, path, what,
			what[0] ? ": " : "", strerror((int)(p.sys & INT32_MAX)),
			name ? name : number);
	else
		fprintf(stderr, "vmtool fs: %s:%s: %s\n", a->target->name, path, what);
	return 0;
}

static int take_refusal(struct ask *a, const struct frame *f, struct err *e)
{
	struct refusal no;

	(void)a;
	if (refusal_decode(&no, f->data, f->len) < 0)
		return nonsense(e);
	return err_set(e, -EREMOTEIO, "%s", no.text);
}

/* 1: it is done; 0: there is more; negative with *e filled. */
static int take(struct ask *a, const struct frame *f, struct err *e)
{
	static const struct {
		uint8_t type;
		int (*take)(struct ask *a, const struct frame *f, struct err *e);
	} table[] = {
		{ FRAME_FS_ENTRY, take_entry }, { FRAME_FS_ENTER, take_enter },
		{ FRAME_FS_UP, take_up },	{ FRAME_FS_PROBLEM, take_problem },
		{ FRAME_ERROR, take_refusal },
	};

	if (f->type == FRAME_FS_DONE)
		return f->len == 0 ? 1 : nonsense(e);
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].type == f->type)
			return table[i].take(a, f, e);
	return nonsense(e);
}

/* --- the question --- */

static int begin(struct ask *a, const struct fs_req *q, struct err *e)
{
	uint8_t mem[FS_FRAME_MAX];
	long len = fs_req_encode(q, mem, sizeof(mem));
	int fd;

	if (len < 0 || strlen(q->path) >= FS_PATH_MAX || strlen(q->to) >= FS_PATH_MAX)
		return err_set(e, -ENAMETOOLONG,
			       "a guest path of more than %d bytes (ENAMETOOLONG)",
			       FS_PATH_MAX - 1);
	fd = target_dial(a->target, PORT_AGENT, e);
	if (fd < 0)
		return fd;
	if (wire_open(&a->wire, fd, &a->report) < 0)
		return err_set(e, -ENOMEM, "no memory for an answer");
	if (wire_say(&a->wire, FRAME_FS, mem, (size_t)len, e) < 0)
		return e->code;
	return wire_await_go(&a->wire, GO_MS, e);
}

int fs_ask(const struct target *t, const struct fs_req *q, const struct fs_listener *to,
	   struct err *e)
{
	struct ask a = { .target = t, .to = to, .wire.fd = -1, .report.line = ignore_line };
	struct frame f;
	int rc = begin(&a, q, e);

	while (rc == 0) {
		rc = frame_recv(&a.wire.in, a.wire.fd, &f);
		rc = rc < 0 ? err_set(e, rc, "the connection ended before the answer did")
			    : take(&a, &f, e);
	}
	wire_close(&a.wire);
	fd_close(&a.wire.fd);
	trail_free(&a.folder);
	if (rc < 0) {
		text_escape_err(e);
		err_in(e, "%s", t->name);
	}
	return rc < 0 ? rc : a.problems > 0;
}
