/*
 * front - one unix socket in front of all servers, in the dialect of the host's vsock.sock.
 */
#include "guest/front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/util.h"

enum { IDLE_MS = 10000 };

/* The place is free again: the last line of whoever calls it. */
static void conn_release(struct front_conn *c)
{
	loop_cancel(c->front->loop, &c->idle);
	end_close(&c->peer);
	c->server = NULL;
	listener_release(&c->front->listener);
}

static struct listener *server_of(const struct front *f, const char *line)
{
	unsigned long port;
	char *end;

	if (strncmp(line, "CONNECT ", 8) != 0 || line[8] < '0' || line[8] > '9')
		return NULL;
	port = strtoul(line + 8, &end, 10);
	for (size_t i = 0; *end == '\0' && i < f->nservers; i++)
		if (f->servers[i].port == port)
			return f->servers[i].server;
	return NULL;
}

/* The answer, and the connection, go to the server it named; or wait for a place there. */
static void hand_over(struct front_conn *c)
{
	char answer[FRONT_LINE];
	int fd, len;

	if (c->server->taken == c->server->places)
		return;
	len = snprintf(answer, sizeof(answer), "OK %s\n", c->line + 8);
	/* A fresh socket has room for a line: short is broken. */
	if (send(c->peer.w.fd, answer, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) != len) {
		conn_release(c);
		return;
	}
	end_want(&c->peer, 0);
	fd = c->peer.w.fd;
	c->peer.w.fd = -1;
	listener_give(c->server, fd);
	conn_release(c);
}

static void named(struct front_conn *c)
{
	c->server = server_of(c->front, c->line);
	if (!c->server) {
		conn_release(c); /* as on a port where nobody listens */
		return;
	}
	loop_cancel(c->front->loop, &c->idle);
	end_want(&c->peer, 0);
	hand_over(c);
}

/* Byte by byte: what is behind the newline is the server's. */
static void peer_ready(struct watch *w, uint32_t events)
{
	struct front_conn *c = CONTAINER(w, struct front_conn, peer.w);

	(void)events;
	while (c->have < sizeof(c->line)) {
		ssize_t n = fd_read(w->fd, c->line + c->have, 1);

		if (n == -EAGAIN)
			return;
		if (n <= 0)
			break;
		if (c->line[c->have] == '\n') {
			c->line[c->have] = '\0';
			named(c);
			return;
		}
		c->have++;
	}
	conn_release(c);
}

static void idle_due(struct timer *t)
{
	conn_release(CONTAINER(t, struct front_conn, idle));
}

static void accepted(struct listener *l, int fd)
{
	struct front *f = CONTAINER(l, struct front, listener);
	struct front_conn *c = f->conns;

	while (c->peer.w.fd >= 0)
		c++; /* the listener counts: one is free */
	c->have = 0;
	end_open(&c->peer, fd);
	loop_after(f->loop, &c->idle, IDLE_MS);
	if (end_want(&c->peer, EPOLLIN) < 0)
		conn_release(c);
}

static void room(struct listener *server, void *arg)
{
	struct front *f = arg;

	for (size_t i = 0; i < FRONT_CONNS; i++)
		if (f->conns[i].server == server)
			hand_over(&f->conns[i]);
}

int front_open(struct front *f, struct loop *l, int listen_fd)
{
	f->loop = l;
	f->nservers = 0;
	for (size_t i = 0; i < FRONT_CONNS; i++)
		f->conns[i] = (struct front_conn){
			.front = f,
			.peer = END_INIT(l, peer_ready),
			.idle = { .due = idle_due },
		};
	return listener_open(&f->listener, l, listen_fd, FRONT_CONNS, accepted);
}

void front_add(struct front *f, uint32_t port, struct listener *server)
{
	f->servers[f->nservers].port = port;
	f->servers[f->nservers++].server = server;
	server->room = room;
	server->arg = f;
}
