/*
 * consoleline - our terminal at a VM's serial line (console.sock, which its vmm serves).
 */
#include "host/consoleline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/backoff.h"
#include "host/known.h"
#include "host/plug.h"
#include "host/sockets.h"
#include "host/tty.h"

struct consoleline {
	const struct consoleline_ask *ask;
	struct loop loop;
	struct plug plug;
	struct detachkeys keys;
	struct tty tty;
	struct timer again;
	struct backoff wait;
	int has_been; /* at the line */
	struct err *e;
};

/* --- the line --- */

static int connect_to(const struct state *s)
{
	char path[SOCKET_PATH_ROOM];
	int dir = open(s->sockets, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	fd = unix_connect(sockets_path(path, dir, "console.sock"), 1);
	fd_close(&dir);
	return fd;
}

/* 1: it lives; 0: not any more; or negative with *e filled. */
static int look(struct consoleline *l, int *fd)
{
	struct known vm = KNOWN_NONE;
	int rc = known_find(&vm, l->ask->name, l->e);

	if (rc == 0 && state_is_live(vm.state.state)) {
		*fd = connect_to(&vm.state);
		rc = 1;
	} else if (rc == 0 && !l->has_been) {
		rc = err_set(l->e, -ESRCH, "%s: is not running (%s)\n  try: vmtool start %s",
			     l->ask->name, state_name(vm.state.state), l->ask->name);
	}
	known_close(&vm);
	return rc == -ENOENT && l->has_been ? 0 : rc;
}

/* Where it lives, but nobody is there: its machine is being made. */
static void visit(struct consoleline *l)
{
	int fd = -1, rc = look(l, &fd);

	if (rc <= 0) {
		loop_stop(&l->loop, rc);
		return;
	}
	if (fd < 0) {
		loop_after(&l->loop, &l->again, backoff_next(&l->wait));
		return;
	}
	l->has_been = 1;
	l->wait.ms = 0;
	rc = plug_start(&l->plug, &l->loop, fd);
	if (rc < 0)
		loop_stop(&l->loop,
			  err_set(l->e, rc, "standard input and output: %s", strerror(-rc)));
}

static void visit_again(struct timer *t)
{
	struct consoleline *l = CONTAINER(t, struct consoleline, again);

	plug_stop(&l->plug);
	visit(l);
}

/* A line that ended is that of a machine that did: the VM may have another. */
static void over(struct plug *p, int why)
{
	struct consoleline *l = CONTAINER(p, struct consoleline, plug);

	if (why == PLUG_LEFT || plug_is_unread(p)) {
		loop_stop(&l->loop, 0);
		return;
	}
	loop_after(&l->loop, &l->again, 0);
}

/* --- our side --- */

static void lend_terminal(struct consoleline *l)
{
	if (!l->ask->only_look)
		tty_raw(&l->tty);
}

static void signalled(struct loop *loop, const struct signalfd_siginfo *si)
{
	struct consoleline *l = CONTAINER(loop, struct consoleline, loop);

	switch (si->ssi_signo) {
	case SIGTSTP:
		tty_restore(&l->tty, 0);
		raise(SIGSTOP);
		break;
	case SIGCONT:
		lend_terminal(l);
		break;
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		loop_stop(loop, 128 + (int)si->ssi_signo);
		break;
	}
}

static void greet(const struct consoleline *l)
{
	if (tty_is_everywhere())
		fprintf(stderr, "%s: at its console; %s\r\n", l->ask->name,
			l->ask->only_look    ? "ctrl-c leaves it"
			: l->keys.count == 0 ? "no key leaves it"
					     : "the detach keys (" DETACHKEYS_DEFAULT
					       " unless others are given) leave it");
}

static int run(struct consoleline *l)
{
	int rc = loop_open(&l->loop);

	if (rc < 0)
		return err_set(l->e, rc, "open the event loop: %s", strerror(-rc));
	l->loop.signalled = signalled;
	l->loop.running = 1;
	l->plug.keys = &l->keys;
	l->plug.is_deaf = l->ask->only_look;
	l->plug.over = over;
	tty_init(&l->tty);
	visit(l);
	if (l->loop.running) {
		greet(l);
		lend_terminal(l);
	}
	return l->loop.running ? loop_run(&l->loop) : l->loop.status;
}

int consoleline_run(const struct consoleline_ask *ask, struct err *e)
{
	struct consoleline *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return err_set(e, -ENOMEM, "no memory for a console");
	l->ask = ask;
	l->keys = ask->keys;
	l->loop = LOOP_INIT;
	l->again.due = visit_again;
	l->e = e;
	rc = run(l);
	tty_restore(&l->tty, 1);
	plug_stop(&l->plug);
	loop_close(&l->loop);
	loop_unblock(&l->loop);
	free(l);
	return rc;
}
