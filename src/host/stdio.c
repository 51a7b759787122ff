/*
 * stdio - our own stdin, stdout and stderr, used without ever blocking.
 */
#include "host/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

enum { BUSY_PIPE = 256 * 1024 };

static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, (fd == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int stdio_open(struct stdio *s, int fd)
{
	struct stat st;

	*s = (struct stdio){ .fd = fd, .most = SIZE_MAX };
	if (fstat(fd, &st) < 0) {
		s->fd = open("/dev/null", (fd == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
		s->is_own = 1;
		s->is_file = 1;
		return s->fd < 0 ? -errno : 0;
	}
	s->is_socket = S_ISSOCK(st.st_mode);
	s->is_file = S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode);
	if (s->is_socket || s->is_file)
		return 0;
	s->is_pipe = S_ISFIFO(st.st_mode);
	s->fd = reopen(fd);
	s->is_own = s->fd >= 0;
	if (s->fd < 0) {
		/* Another user's terminal, say. A pipe that polls writable takes this much. */
		s->fd = fd;
		s->most = PIPE_BUF;
	}
	return 0;
}

void stdio_close(struct stdio *s)
{
	if (s->is_own)
		fd_close(&s->fd);
	s->fd = -1;
	s->is_own = 0;
}

void stdio_widen(struct stdio *s)
{
	if (!s->is_busy)
		fd_widen_pipe(s->fd, BUSY_PIPE);
	s->is_busy = 1;
}

/* Whether a descriptor that may block would not do so now. */
static int is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

int stdio_has_room(const struct stdio *s)
{
	return is_ready(s->fd, POLLOUT);
}

ssize_t stdio_read(const struct stdio *s, void *data, size_t len)
{
	ssize_t n;

	if (s->is_socket) {
		n = recv(s->fd, data, len, MSG_DONTWAIT);
		return n < 0 ? -errno : n;
	}
	if (!s->is_own && !s->is_file && !is_ready(s->fd, POLLIN))
		return -EAGAIN;
	return fd_read(s->fd, data, len);
}

ssize_t stdio_write(const struct stdio *s, const void *data, size_t len)
{
	ssize_t n;

	if (s->is_socket) {
		n = send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		return n < 0 ? -errno : n;
	}
	if (!s->is_own && !s->is_file && !is_ready(s->fd, POLLOUT))
		return -EAGAIN;
	return fd_write(s->fd, data, MIN(len, s->most));
}
