/*
 * dial - a connection through a socket of the Firecracker dialect, in steps that never wait.
 */
#include "base/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

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
