/*
 * call - the agent's own connection to a server in the guest: CONNECT, OK, then frames.
 */
#include "host/call.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/sockets.h"

static void lose(struct call *c, const char *why)
{
	call_close(c);
	c->ops->lost(c, why);
}

static int read_frames(struct call *c)
{
	struct frame f;
	ssize_t n;
	int rc;

	n = inbox_fill(&c->in, c->conn.fd);
	if (n <= 0)
		return n == -EAGAIN ? 0 : n < 0 ? (int)n : -ECONNRESET;
	while (c->conn.fd >= 0 && (rc = frame_next(&c->in, &f)) != 0) {
		if (rc < 0)
			return rc;
		c->ops->frame(c, &f);
	}
	return 0;
}

static void conn_ready(struct watch *w, uint32_t events)
{
	struct call *c = CONTAINER(w, struct call, conn);
	int rc;

	(void)events; /* a hang-up shows up as the end of the stream */
	if (c->up) {
		rc = read_frames(c);
		if (rc < 0)
			lose(c, strerror(-rc));
		return;
	}
	rc = dial_step(&c->dial);
	if (rc == 0) {
		c->up = 1;
		c->ops->up(c);
	} else if (rc != -EAGAIN) {
		lose(c, strerror(rc == -ECONNRESET ? ECONNREFUSED : -rc));
	}
}

int call_open(struct call *c, struct loop *l, const struct call_ops *ops, int sockets_dir,
	      uint32_t port)
{
	char path[SOCKET_PATH_ROOM];
	int rc;

	*c = (struct call){ .loop = l, .ops = ops, .dial = DIAL_NONE, .conn = { -1, conn_ready } };
	inbox_init(&c->in, c->mem, sizeof(c->mem));
	rc = dial_begin(&c->dial, sockets_path(path, sockets_dir, "vsock.sock"), port);
	if (rc < 0)
		return rc;
	c->conn.fd = c->dial.fd;
	rc = loop_add(l, &c->conn, EPOLLIN);
	if (rc < 0)
		fd_close(&c->conn.fd);
	return rc;
}

int call_send(struct call *c, uint8_t type, const void *data, size_t len)
{
	return frame_send(c->conn.fd, type, data, len);
}

void call_close(struct call *c)
{
	if (c->conn.fd >= 0)
		loop_del(c->loop, &c->conn);
	fd_close(&c->conn.fd);
}
