/*
 * signpost - where scripts learn that a VM is ready without asking again and again.
 */
#include "host/signpost.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"

static const char file_name[] = "ready";

static void conn_close(struct signpost_conn *c)
{
	struct signpost *s = c->post;

	loop_del(s->loop, &c->peer);
	fd_close(&c->peer.fd);
	listener_release(&s->listener);
}

/* A fresh socket has room for it. */
static void tell(struct signpost_conn *c)
{
	static const char line[] = "ready\n";

	if (fd_write(c->peer.fd, line, sizeof(line) - 1) < 0)
		conn_close(c);
}

/* It has nothing to say to us: it went, or it does not know where it is. */
static void peer_ready(struct watch *w, uint32_t events)
{
	struct signpost_conn *c = CONTAINER(w, struct signpost_conn, peer);
	char ignored[256];

	if (!(events & (EPOLLHUP | EPOLLERR)) && fd_read(w->fd, ignored, sizeof(ignored)) > 0)
		return;
	conn_close(c);
}

static void accepted(struct listener *l, int fd)
{
	struct signpost *s = CONTAINER(l, struct signpost, listener);
	struct signpost_conn *c = s->conns;

	while (c->peer.fd >= 0)
		c++; /* the listener counts: one is free */
	c->peer.fd = fd;
	if (loop_add(s->loop, &c->peer, EPOLLIN) < 0)
		conn_close(c);
	else if (s->is_ready)
		tell(c);
}

static void put_file(struct signpost *s)
{
	struct err e = ERR_NONE;
	char text[64];
	int n = snprintf(text, sizeof(text), "%.40s\n", s->boot);

	if (path_replace(s->vm_dir, file_name, text, (size_t)n, 0600, &e) < 0)
		log_warn("signpost: %s", e.text);
}

int signpost_start(struct signpost *s, struct loop *l, int listen_fd, int vm_dir, const char *boot)
{
	*s = (struct signpost){ .loop = l, .vm_dir = vm_dir, .boot = boot };
	for (int i = 0; i < SIGNPOST_CONNS; i++) {
		s->conns[i].post = s;
		s->conns[i].peer = (struct watch){ -1, peer_ready };
	}
	unlinkat(vm_dir, file_name, 0);
	return listener_open(&s->listener, l, listen_fd, SIGNPOST_CONNS, accepted);
}

void signpost_turn(struct signpost *s, int is_ready)
{
	if (s->vm_dir < 0 || s->is_ready == is_ready)
		return;
	s->is_ready = is_ready;
	if (is_ready)
		put_file(s);
	else
		unlinkat(s->vm_dir, file_name, 0);
	for (int i = 0; i < SIGNPOST_CONNS; i++) {
		if (s->conns[i].peer.fd < 0)
			continue;
		if (is_ready)
			tell(&s->conns[i]);
		else
			conn_close(&s->conns[i]);
	}
}

void signpost_stop(struct signpost *s)
{
	if (s->listener.w.fd < 0)
		return;
	signpost_turn(s, 0);
	for (int i = 0; i < SIGNPOST_CONNS; i++)
		if (s->conns[i].peer.fd >= 0)
			conn_close(&s->conns[i]);
	listener_close(&s->listener);
}

void signpost_clear(int vm_dir)
{
	(void)unlinkat(vm_dir, file_name, 0);
}
