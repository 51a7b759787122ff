/*
 * dial - a connection to a port of a running VM, through its vsock.sock.
 */
#include "host/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

enum { BUSY_MS = 2 };

static int ask(int fd, uint32_t port)
{
	char line[DIAL_ANSWER_MAX];
	int len = snprintf(line, sizeof(line), "CONNECT %u\n", port);
	ssize_t n = send(fd, line, (size_t)len, MSG_NOSIGNAL);

	/* A fresh socket has room for a line: short is broken. */
	return n == len ? 0 : n < 0 ? -errno : -EPROTO;
}

int dial_begin(struct dial *d, const char *path, uint32_t port)
{
	int rc;

	d->used = 0;
	d->fd = unix_connect(path, 1);
	if (d->fd < 0) {
		rc = d->fd;
		d->fd = -1;
		return rc;
	}
	rc = ask(d->fd, port);
	if (rc < 0)
		dial_close(d);
	return rc;
}

/* "OK " and a number. */
static int is_ok(const char *line)
{
	size_t digits;

	if (strncmp(line, "OK ", 3))
		return 0;
	digits = strspn(line + 3, "0123456789");
	return digits > 0 && line[3 + digits] == '\0';
}

/* Byte by byte: the byte behind the newline is the guest's. */
int dial_step(struct dial *d)
{
	while (d->used < sizeof(d->line) - 1) {
		char *at = d->line + d->used;
		ssize_t n = fd_read(d->fd, at, 1);

		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		if (*at == '\n') {
			*at = '\0';
			return is_ok(d->line) ? 0 : -EPROTO;
		}
		d->used++;
	}
	return -EPROTO;
}

void dial_close(struct dial *d)
{
	fd_close(&d->fd);
}

/* 0, or -ETIMEDOUT. fd -1 only waits. */
static int wait_until(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = deadline_ms - clock_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	return poll(&p, 1, (int)MIN(left, fd < 0 ? BUSY_MS : 60000)) < 0 && errno != EINTR ? -errno
											   : 0;
}

/* A unix socket whose backlog is full answers EAGAIN and has no event for when it is not. */
static int begin_until(struct dial *d, const char *path, uint32_t port, int64_t deadline_ms)
{
	int rc;

	while ((rc = dial_begin(d, path, port)) == -EAGAIN) {
		rc = wait_until(-1, 0, deadline_ms);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int step_until(struct dial *d, int64_t deadline_ms)
{
	int rc;

	while ((rc = dial_step(d)) == -EAGAIN) {
		rc = wait_until(d->fd, POLLIN, deadline_ms);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int say(struct err *e, int rc, const char *path, uint32_t port)
{
	switch (rc) {
	case -ENOENT:
	case -ECONNREFUSED:
		return err_set(e, rc, "no running VM behind %s", path);
	case -ECONNRESET:
	case -EPIPE:
		return err_set(e, -ECONNRESET, "nothing answers on vsock port %u of the VM", port);
	case -EPROTO:
		return err_set(e, rc, "%s does not speak the vsock dialect", path);
	case -ETIMEDOUT:
		return err_deadline(e, "no connection to vsock port %u of the VM in time", port);
	}
	return err_set(e, rc, "connect to vsock port %u of the VM: %s", port, strerror(-rc));
}

int dial_vsock(const char *path, uint32_t port, int64_t deadline_ms, struct err *e)
{
	struct dial d = DIAL_NONE;
	int rc = begin_until(&d, path, port, deadline_ms);

	if (rc == 0)
		rc = step_until(&d, deadline_ms);
	if (rc == 0)
		return d.fd;
	dial_close(&d);
	return say(e, rc, path, port);
}
