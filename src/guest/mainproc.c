/*
 * mainproc - the guest's main process: what the VM is for, and whose end is the VM's.
 */
#include "guest/mainproc.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/util.h"

/* --- the console --- */

/* All was heard and said, or somebody else listens: the console is let go. */
static void leave_due(struct timer *t)
{
	struct mainproc *m = CONTAINER(t, struct mainproc, leave);

	if (m->viewer.session)
		session_leave(&m->viewer);
	end_close(&m->console);
}

static void proceed(struct mainproc *m)
{
	end_want(&m->console, m->said.len ? EPOLLOUT : 0);
	if (m->heard_all && m->said.len == 0)
		loop_after(m->loop, &m->leave, 0);
}

static void console_ready(struct watch *w, uint32_t events)
{
	struct mainproc *m = CONTAINER(w, struct mainproc, console.w);
	ssize_t n = fifo_write(&m->said, w->fd);

	(void)events;
	if (n < 0 && n != -EAGAIN)
		fifo_drop(&m->said, m->said.len); /* a console that is none keeps nobody waiting */
	proceed(m);
	if (m->viewer.session && !m->heard_all && m->said.len == 0)
		session_resume(m->viewer.session);
}

/* --- what the session tells --- */

static int has_room(struct viewer *v)
{
	return CONTAINER(v, struct mainproc, viewer)->said.len == 0;
}

static void output(struct viewer *v, uint8_t type, const void *data, size_t len)
{
	struct mainproc *m = CONTAINER(v, struct mainproc, viewer);

	(void)type;
	if (m->console.w.fd < 0)
		return;
	fifo_put(&m->said, data, len);
	proceed(m);
}

static void window(struct viewer *v, uint32_t bytes)
{
	(void)v;
	(void)bytes;
}

static void ended(struct viewer *v, const struct exec_status *s)
{
	struct mainproc *m = CONTAINER(v, struct mainproc, viewer);

	(void)s;
	m->heard_all = 1;
	proceed(m);
}

/* Somebody attached, and has the output from here on. */
static void taken_over(struct viewer *v)
{
	ended(v, NULL);
}

static const struct viewer_type console_viewer = { has_room, output, window, ended, taken_over };

int mainproc_start(struct mainproc *m, struct loop *l, struct sessions *all, struct exec_req *q,
		   struct err *e)
{
	static const struct exec_attach from_the_start = { .id = MAIN_ID };
	struct exec_started started;
	struct refusal why;
	struct session *s;
	int fd;

	q->id = MAIN_ID;
	q->policy = EXEC_DETACH;
	q->flags |= EXEC_MAIN;
	s = session_start(all, q, 0, &why);
	if (!s)
		return err_set(e, why.sys ? -(int)why.sys : -EINVAL, "%s", why.text);
	m->loop = l;
	m->viewer.type = &console_viewer;
	m->console = END_INIT(l, console_ready);
	m->leave = (struct timer){ .due = leave_due };
	m->heard_all = 0;
	fifo_init(&m->said, m->mem, sizeof(m->mem));
	/* A description of its own, for it does not block, and the one all share does. */
	fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		end_open(&m->console, fd);
	if (session_attach(s, &m->viewer, &from_the_start, &started) == 0)
		session_resume(s);
	return 0;
}
