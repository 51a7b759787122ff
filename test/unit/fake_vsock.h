/*
 * fake_vsock - the guest behind a vsock.sock, by hand and in the test's own loop: it answers CONNECT
 * and then does with each connection what the test says.
 */
#ifndef FAKE_VSOCK_H
#define FAKE_VSOCK_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/listener.h"
#include "base/util.h"
#include "check.h"
#include "proto/exec.h"
#include "proto/frame.h"
#include "proto/ports.h"
#include "proto/refusal.h"

enum { FAKE_CONNS = 32 };

struct fake_conn {
	struct watch w; /* owned fd; -1 while free */
	char line[32];
	size_t have;
	int is_up;
	uint32_t port;
	struct inbox in;
	uint8_t mem[FRAME_HEADER + FRAME_CHUNK];
};

static struct fake_vsock {
	struct loop *loop;
	struct listener listener;
	struct fake_conn conn[FAKE_CONNS];
	unsigned dialled; /* connections that asked for a port */
	int is_frozen;	  /* takes connections and says nothing at all */
	/* A frame has come on a connection to that port. */
	void (*frame)(struct fake_conn *c, const struct frame *f);
	/* Nobody listens on this port, when it says so. NULL: everywhere. */
	int (*refuses)(uint32_t port);
} fake;

static inline void fake_close(struct fake_conn *c)
{
	loop_del(fake.loop, &c->w);
	fd_close(&c->w.fd);
	listener_release(&fake.listener);
}

static inline void fake_say(struct fake_conn *c, uint8_t type, const void *data, size_t len)
{
	CHECK(frame_send(c->w.fd, type, data, len) == 0);
}

static inline void fake_exits(struct fake_conn *c, uint8_t code, const char *output)
{
	const struct exec_status s = { EXEC_EXITED, code, 0 };
	uint8_t mem[EXEC_STATUS_BYTES];

	exec_status_encode(&s, mem);
	if (*output)
		fake_say(c, FRAME_STDERR, output, strlen(output));
	fake_say(c, FRAME_EXIT, mem, sizeof(mem));
}

static inline void fake_refuses(struct fake_conn *c, uint16_t why, const char *text)
{
	const struct refusal r = { why, 0, text };
	uint8_t mem[256];
	long len = refusal_encode(&r, mem, sizeof(mem));

	fake_say(c, FRAME_ERROR, mem, (size_t)len);
}

static inline void fake_dialled(struct fake_conn *c)
{
	unsigned port = 0;

	fake.dialled++;
	CHECK(sscanf(c->line, "CONNECT %u\n", &port) == 1);
	c->port = port;
	if (fake.is_frozen)
		return;
	if (fake.refuses && fake.refuses(c->port)) {
		fake_close(c);
		return;
	}
	CHECK(fd_write(c->w.fd, "OK 1024\n", 8) == 8);
	c->is_up = 1;
}

static inline void fake_ready(struct watch *w, uint32_t events)
{
	struct fake_conn *c = CONTAINER(w, struct fake_conn, w);
	struct frame f;
	ssize_t n;

	(void)events;
	if (!c->is_up) {
		n = fd_read(w->fd, c->line + c->have, 1);
		if (n == 1 && c->line[c->have++] == '\n')
			fake_dialled(c);
		else if (n <= 0 && n != -EAGAIN)
			fake_close(c);
		return;
	}
	n = inbox_fill(&c->in, w->fd);
	if (n <= 0) {
		if (n != -EAGAIN)
			fake_close(c);
		return;
	}
	while (c->w.fd >= 0 && frame_next(&c->in, &f) > 0)
		if (fake.frame)
			fake.frame(c, &f);
}

static inline void fake_accepted(struct listener *l, int fd)
{
	struct fake_conn *c = fake.conn;

	(void)l;
	while (c->w.fd >= 0)
		c++;
	*c = (struct fake_conn){ .w = { fd, fake_ready } };
	inbox_init(&c->in, c->mem, sizeof(c->mem));
	CHECK(loop_add(fake.loop, &c->w, EPOLLIN) == 0);
}

static inline void fake_open(struct loop *l, int listen_fd)
{
	fake.loop = l;
	fake.dialled = 0;
	fake.is_frozen = 0;
	fake.frame = NULL;
	fake.refuses = NULL;
	fake.listener = (struct listener)LISTENER_INIT;
	for (int i = 0; i < FAKE_CONNS; i++)
		fake.conn[i].w.fd = -1;
	CHECK(listener_open(&fake.listener, l, listen_fd, FAKE_CONNS, fake_accepted) == 0);
}

static inline void fake_shut(void)
{
	for (int i = 0; i < FAKE_CONNS; i++)
		if (fake.conn[i].w.fd >= 0)
			fake_close(&fake.conn[i]);
	listener_close(&fake.listener);
}

#endif
