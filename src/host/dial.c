/*
 * dial - a connection to a port of a running VM, through its vsock.sock; for those who may wait.
 */
#include "host/dial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"

enum { BUSY_MS = 2 };

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
