/*
 * mainproc - the guest's main process: what the VM is for, and whose end is the VM's.
 */
#include "guest/mainproc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

enum { DRAIN_MS = 500 };

/* The last line of whoever calls it. */
static void check_over(struct mainproc *m, int at_once)
{
	int said_all = m->out.w.fd < 0 && m->err.w.fd < 0 && m->said.len == 0;

	if (!m->has_status || !(said_all || at_once))
		return;
	m->has_status = 0;
	loop_cancel(m->loop, &m->drain);
	end_close(&m->out);
	end_close(&m->err);
	end_close(&m->console);
	m->ended(m, &m->status);
}

/* It is read while there is room, and the console wanted while there is something for it. */
static void want(struct mainproc *m)
{
	uint32_t in = fifo_room(&m->said) ? EPOLLIN : 0;

	end_want(&m->out, in);
	end_want(&m->err, in);
	end_want(&m->console, m->said.len ? EPOLLOUT : 0);
}

static void take(struct mainproc *m, struct end *from)
{
	ssize_t n = fifo_read(&m->said, from->w.fd);

	if (n == 0 || (n < 0 && n != -EAGAIN && n != -ENOBUFS))
		end_close(from);
	want(m);
	check_over(m, 0);
}

static void out_ready(struct watch *w, uint32_t events)
{
	struct mainproc *m = CONTAINER(w, struct mainproc, out.w);

	(void)events;
	take(m, &m->out);
}

static void err_ready(struct watch *w, uint32_t events)
{
	struct mainproc *m = CONTAINER(w, struct mainproc, err.w);

	(void)events;
	take(m, &m->err);
}

static void console_ready(struct watch *w, uint32_t events)
{
	struct mainproc *m = CONTAINER(w, struct mainproc, console.w);
	ssize_t n = fifo_write(&m->said, w->fd);

	(void)events;
	if (n < 0 && n != -EAGAIN)
		fifo_drop(&m->said, m->said.len); /* a console that is none keeps nobody waiting */
	want(m);
	check_over(m, 0);
}

static void drained(struct timer *t)
{
	check_over(CONTAINER(t, struct mainproc, drain), 1);
}

static void child_ended(struct child *c, const struct exec_status *s)
{
	struct mainproc *m = CONTAINER(c, struct mainproc, child);

	m->status = *s;
	m->has_status = 1;
	loop_after(m->loop, &m->drain, DRAIN_MS);
	check_over(m, 0);
}

static int start(struct mainproc *m, struct reap *r, struct exec_req *q, struct err *e)
{
	struct refusal no;
	struct command c;
	int rc = command_start(&c, &m->base, q, 0, &no);

	if (rc < 0)
		return err_set(e, rc, "%s", no.text);
	fd_close(&c.in);
	reap_add(r, &m->child, c.pid);
	end_open(&m->out, c.out);
	end_open(&m->err, c.err);
	want(m);
	return 0;
}

int mainproc_start(struct mainproc *m, struct loop *l, struct reap *r, struct exec_req *q,
		   const char *vm, const char *boot, struct err *e)
{
	int rc, fd;

	m->loop = l;
	m->child.ended = child_ended;
	m->drain = (struct timer){ .due = drained };
	m->out = END_INIT(l, out_ready);
	m->err = END_INIT(l, err_ready);
	m->console = END_INIT(l, console_ready);
	m->has_status = 0;
	fifo_init(&m->said, m->mem, sizeof(m->mem));
	/* A description of its own, for it does not block, and the one all share does. */
	fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		end_open(&m->console, fd);
	rc = command_base_open(&m->base, vm, boot);
	if (rc < 0)
		err_set(e, rc, "open /dev/null: %s", strerror(-rc));
	else
		rc = start(m, r, q, e);
	command_base_close(&m->base);
	if (rc < 0)
		end_close(&m->console);
	return rc;
}
