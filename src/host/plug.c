/*
 * plug - a connection whose other end is our stdin and stdout, as inetd and ssh have it.
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

enum { CHUNK = 64 * 1024 };

struct std_port {
	struct relay_port port;
	struct stdio io;
};

struct plug {
	struct loop loop;
	struct relay relay;
	struct relay_port conn;
	struct std_port in, out;
	struct err *e;
	uint8_t chunk[CHUNK], to_conn[CHUNK], to_out[CHUNK];
};

/* --- our ends --- */

static ssize_t std_read(struct relay_port *p, void *data, size_t len)
{
	ssize_t n = stdio_read(&CONTAINER(p, struct std_port, port)->io, data, len);

	return n == -EAGAIN ? n : MAX(n, 0); /* EIO: a terminal whose foreground we are not */
}

static ssize_t std_write(struct relay_port *p, const void *data, size_t len)
{
	ssize_t n = stdio_write(&CONTAINER(p, struct std_port, port)->io, data, len);

	p->is_gone |= n == -EPIPE;
	return n;
}

/* A reader of our stdout hears the end when the last descriptor of it is closed. */
static void std_finish(struct relay_port *p)
{
	struct std_port *s = CONTAINER(p, struct std_port, port);

	if (s->io.is_socket) {
		shutdown(s->io.fd, SHUT_WR);
		return;
	}
	end_want(&p->end, 0);
	p->end.w.fd = -1;
	stdio_close(&s->io);
	close(STDOUT_FILENO);
}

static const struct relay_io std_io = { .read = std_read,
					.write = std_write,
					.finish = std_finish };

static int std_open(struct std_port *s, struct loop *l, int fd)
{
	int rc = stdio_open(&s->io, fd);

	s->port = (struct relay_port){ .end = END_INIT(l, NULL), .io = &std_io };
	end_open(&s->port.end, s->io.fd);
	return rc;
}

/* --- the whole --- */

static void over(struct relay *r, int why)
{
	struct plug *p = CONTAINER(r, struct plug, relay);

	if (p->out.port.is_gone)
		why = 0; /* whoever stopped to read knows why */
	if (why < 0)
		err_set(p->e, why, "the connection was reset: %s", strerror(-why));
	loop_stop(&p->loop, why);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGTSTP)
		raise(SIGSTOP);
	if (si->ssi_signo == SIGINT || si->ssi_signo == SIGTERM || si->ssi_signo == SIGHUP)
		loop_stop(l, 128 + (int)si->ssi_signo);
}

static int open_all(struct plug *p, int fd)
{
	int rc;

	p->loop = LOOP_INIT;
	rc = loop_open(&p->loop);
	p->loop.signalled = signalled;
	p->conn = (struct relay_port){ .end = END_INIT(&p->loop, NULL), .io = &relay_socket };
	end_open(&p->conn.end, fd);
	if (rc == 0)
		rc = std_open(&p->in, &p->loop, STDIN_FILENO);
	if (rc == 0)
		rc = std_open(&p->out, &p->loop, STDOUT_FILENO);
	return rc;
}

static int run(struct plug *p)
{
	p->relay = (struct relay){
		.loop = &p->loop,
		.way = { { .from = &p->in.port,
			   .to = &p->conn,
			   .rest = { p->to_conn, CHUNK, 0, 0 } },
			 { .from = &p->conn,
			   .to = &p->out.port,
			   .rest = { p->to_out, CHUNK, 0, 0 } } },
		.chunk = p->chunk,
		.chunk_len = CHUNK,
		.over = over,
	};
	p->loop.running = 1;
	relay_start(&p->relay);
	return p->loop.running ? loop_run(&p->loop) : p->loop.status;
}

int plug_run(int fd, struct err *e)
{
	struct plug *p = calloc(1, sizeof(*p));
	sigset_t before;
	int rc;

	if (!p) {
		fd_close(&fd);
		return err_set(e, -ENOMEM, "no memory for a connection");
	}
	p->e = e;
	p->in.io = p->out.io = (struct stdio)STDIO_NONE;
	sigprocmask(SIG_BLOCK, NULL, &before);
	rc = open_all(p, fd);
	if (rc < 0)
		err_set(e, rc, "standard input and output: %s", strerror(-rc));
	else
		rc = run(p);
	fd_close(&p->conn.end.w.fd);
	stdio_close(&p->in.io);
	stdio_close(&p->out.io);
	loop_close(&p->loop);
	free(p);
	/* A SIGPIPE of our own stdout may be pending: ignoring it also takes it back. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
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
