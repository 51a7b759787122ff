/*
 * plug - a connection whose other end is our stdin and stdout, as inetd and ssh have it; and, where
 * it leads to a serial line, our terminal.
 */
#include "host/plug.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/relay.h"
#include "base/util.h"
#include "host/stdio.h"

/* --- our ends --- */

/* What leaves the line is not the guest's, and neither is what was typed behind it. */
static ssize_t typed(struct plug *p, const void *data, size_t len)
{
	size_t n = detachkeys_pass(p->keys, data, len);

	if (detachkeys_typed(p->keys))
		loop_after(p->relay.loop, &p->left, 0);
	return n ? (ssize_t)n : -EAGAIN;
}

static ssize_t std_read(struct relay_port *port, void *data, size_t len)
{
	struct plug_port *in = CONTAINER(port, struct plug_port, port);
	struct plug *p = CONTAINER(in, struct plug, in);
	ssize_t n = p->is_deaf ? 0 : stdio_read(&in->io, data, len);

	if (n > 0 && p->keys)
		return typed(p, data, (size_t)n);
	return n == -EAGAIN ? n : MAX(n, 0); /* EIO: a terminal whose foreground we are not */
}

static ssize_t std_write(struct relay_port *p, const void *data, size_t len)
{
	ssize_t n = stdio_write(&CONTAINER(p, struct plug_port, port)->io, data, len);

	p->is_gone |= n == -EPIPE;
	return n;
}

/* A reader of our stdout hears the end when the last descriptor of it is closed. */
static void std_finish(struct relay_port *port)
{
	struct plug_port *out = CONTAINER(port, struct plug_port, port);

	if (CONTAINER(out, struct plug, out)->keys)
		return;
	if (out->io.is_socket) {
		shutdown(out->io.fd, SHUT_WR);
		return;
	}
	end_want(&port->end, 0);
	port->end.w.fd = -1;
	stdio_close(&out->io);
	close(STDOUT_FILENO);
}

static const struct relay_io std_io = { .read = std_read,
					.write = std_write,
					.finish = std_finish };

static int std_open(struct plug_port *s, struct loop *l, int fd)
{
	int rc = stdio_open(&s->io, fd);

	s->port = (struct relay_port){ .end = END_INIT(l, NULL), .io = &std_io };
	end_open(&s->port.end, s->io.fd);
	return rc;
}

/* --- the whole --- */

static void relay_over(struct relay *r, int why)
{
	struct plug *p = CONTAINER(r, struct plug, relay);

	loop_cancel(r->loop, &p->left);
	/* Whoever stopped to read knows why. */
	p->over(p, plug_is_unread(p) ? 0 : why);
}

static void left(struct timer *t)
{
	struct plug *p = CONTAINER(t, struct plug, left);

	relay_stop(&p->relay);
	p->over(p, PLUG_LEFT);
}

int plug_start(struct plug *p, struct loop *l, int fd)
{
	int rc;

	p->in.io = p->out.io = (struct stdio)STDIO_NONE;
	p->left = (struct timer){ .due = left };
	p->conn = (struct relay_port){ .end = END_INIT(l, NULL), .io = &relay_socket };
	end_open(&p->conn.end, fd);
	p->relay = (struct relay){
		.loop = l,
		.way = { { .from = &p->in.port,
			   .to = &p->conn,
			   .rest = { p->to_conn, PLUG_CHUNK, 0, 0 } },
			 { .from = &p->conn,
			   .to = &p->out.port,
			   .rest = { p->to_out, PLUG_CHUNK, 0, 0 } } },
		.chunk = p->chunk,
		.chunk_len = PLUG_CHUNK,
		.over = relay_over,
	};
	rc = std_open(&p->in, l, STDIN_FILENO);
	if (rc == 0)
		rc = std_open(&p->out, l, STDOUT_FILENO);
	if (rc == 0)
		relay_start(&p->relay);
	return rc;
}

void plug_stop(struct plug *p)
{
	if (!p->relay.loop)
		return;
	loop_cancel(p->relay.loop, &p->left);
	relay_stop(&p->relay);
	fd_close(&p->conn.end.w.fd);
	stdio_close(&p->in.io);
	stdio_close(&p->out.io);
	p->relay.loop = NULL;
}

/* --- and nothing but that --- */

struct alone {
	struct loop loop;
	struct plug plug;
};

static void alone_over(struct plug *p, int why)
{
	loop_stop(&CONTAINER(p, struct alone, plug)->loop, why);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGTSTP)
		raise(SIGSTOP);
	if (si->ssi_signo == SIGINT || si->ssi_signo == SIGTERM || si->ssi_signo == SIGHUP)
		loop_stop(l, 128 + (int)si->ssi_signo);
}

/* fd: taken over. 0, 128+n, or negative with *e filled. */
static int run(struct alone *a, int fd, struct err *e)
{
	int rc;

	a->loop = LOOP_INIT;
	rc = loop_open(&a->loop);
	a->loop.signalled = signalled;
	a->loop.running = 1;
	a->plug.over = alone_over;
	if (rc < 0)
		fd_close(&fd);
	else
		rc = plug_start(&a->plug, &a->loop, fd);
	if (rc < 0)
		return err_set(e, rc, "standard input and output: %s", strerror(-rc));
	rc = a->loop.running ? loop_run(&a->loop) : a->loop.status;
	return rc < 0 ? err_set(e, rc, "the connection was reset: %s", strerror(-rc)) : rc;
}

int plug_run(int fd, struct err *e)
{
	struct alone *a = calloc(1, sizeof(*a));
	int rc;

	if (!a) {
		fd_close(&fd);
		return err_set(e, -ENOMEM, "no memory for a connection");
	}
	rc = run(a, fd, e);
	plug_stop(&a->plug);
	loop_close(&a->loop);
	loop_unblock(&a->loop);
	free(a);
	return rc;
}

int plug_pass(int fd, struct err *e)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec byte = { "", 1 };
	struct msghdr m = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};

	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(STDOUT_FILENO, &m, MSG_NOSIGNAL) < 0)
		return errno == ENOTSOCK
			       ? err_usage(e, "--fdpass: standard output is no socket; is "
					      "ProxyUseFdpass set?")
			       : err_sys(e, "pass the connection on");
	return 0;
}
