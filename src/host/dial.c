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

enum {
	ANSWER_MAX = 32,
	BUSY_MS = 2,
};

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
static int connect_until(const char *path, int64_t deadline_ms)
{
	int fd;

	while ((fd = unix_connect(path, 1)) == -EAGAIN) {
		int rc = wait_until(-1, 0, deadline_ms);

		if (rc < 0)
			return rc;
	}
	return fd;
}

static int ask(int fd, uint32_t port)
{
	char line[ANSWER_MAX];
	int len = snprintf(line, sizeof(line), "CONNECT %u\n", port);
	ssize_t n = send(fd, line, (size_t)len, MSG_NOSIGNAL);

	/* A fresh socket has room for a line: short is broken. */
	return n == len ? 0 : n < 0 ? -errno : -EPROTO;
}

/* Byte by byte: the byte behind the newline is the guest's. 0, or -ECONNRESET, ... */
static int read_answer(int fd, char line[ANSWER_MAX], int64_t deadline_ms)
{
	size_t used = 0;

	while (used < ANSWER_MAX - 1) {
		ssize_t n = fd_read(fd, line + used, 1);
		int rc;

		if (n == -EAGAIN) {
			rc = wait_until(fd, POLLIN, deadline_ms);
			if (rc < 0)
				return rc;
			continue;
		}
		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		if (line[used] == '\n') {
			line[used] = '\0';
			return 0;
		}
		used++;
	}
	return -EPROTO;
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
	char line[ANSWER_MAX];
	int fd, rc;

	fd = connect_until(path, deadline_ms);
	if (fd < 0)
		return say(e, fd, path, port);
	rc = ask(fd, port);
	if (rc == 0)
		rc = read_answer(fd, line, deadline_ms);
	if (rc == 0 && !is_ok(line))
		rc = -EPROTO;
	if (rc == 0)
		return fd;
	fd_close(&fd);
	return say(e, rc, path, port);
}
