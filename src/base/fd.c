/*
 * fd - descriptors: closing, whole reads and writes, unix sockets.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Before Linux 5.9 one by one, up to the most there can be. */
static void close_range_of(unsigned from, unsigned to)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (from > to || syscall(SYS_close_range, from, to, 0) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned fd = from; fd <= to && fd < limit.rlim_cur; fd++)
		close((int)fd);
}

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void fd_close_others(int *keep, size_t n)
{
	unsigned from = 0;

	qsort(keep, n, sizeof(*keep), compare);
	for (size_t i = 0; i < n; i++) {
		/* One that is kept twice leaves nothing in between. */
		if ((unsigned)keep[i] > from)
			close_range_of(from, (unsigned)keep[i] - 1);
		from = (unsigned)keep[i] + 1;
	}
	close_range_of(from, ~0u);
}

void fd_close_all_but(int fd)
{
	fd_close_others(&fd, 1);
}

int fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

unsigned fd_allow(unsigned count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return MIN(count, 1024);
	if (limit.rlim_cur < count) {
		limit.rlim_cur = MIN(limit.rlim_max, count);
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return (unsigned)MIN(limit.rlim_cur, UINT_MAX);
}

void fd_widen_pipe(int fd, size_t bytes)
{
	int now = fcntl(fd, F_GETPIPE_SZ);

	if (now > 0 && (size_t)now < bytes)
		(void)fcntl(fd, F_SETPIPE_SZ, (int)bytes);
}

ssize_t fd_read(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t fd_write(int fd, const void *data, size_t len)
{
	ssize_t n;

	do
		n = write(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Only for callers that may block: waits until the fd can go on. */
static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	poll(&p, 1, -1);
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = fd_write(fd, at, len);

		if (n == -EAGAIN) {
			wait_for(fd, POLLOUT);
			continue;
		}
		if (n < 0)
			return (int)n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_read_all(int fd, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t n = fd_read(fd, at, len);

		if (n == -EAGAIN) {
			wait_for(fd, POLLIN);
			continue;
		}
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ENODATA;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_read_until(int fd, void *data, size_t len, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *at = data;

	while (len > 0) {
		ssize_t n = fd_read(fd, at, len);
		int64_t left = deadline_ms - clock_ms();

		if (n == 0)
			return -ENODATA;
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n < 0 && left <= 0)
			return -ETIMEDOUT;
		if (n < 0)
			poll(&p, 1, (int)MIN(left, INT_MAX));
		at += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

ssize_t fd_slurp(int dirfd, const char *path, char *out, size_t cap)
{
	ssize_t n;
	int fd;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fd_slurp_open(fd, out, cap);
	fd_close(&fd);
	return n;
}

ssize_t fd_slurp_open(int fd, char *out, size_t cap)
{
	size_t used = 0;
	ssize_t n = 0;

	while (used < cap && (n = fd_read(fd, out + used, cap - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		return n;
	if (used == cap)
		return -EFBIG;
	out[used] = '\0';
	return (ssize_t)used;
}

static int unix_address(struct sockaddr_un *sa, const char *path)
{
	size_t len = strlen(path);

	if (len >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, path, len + 1);
	return 0;
}

static int listen_as(int type, const char *path, int backlog, struct err *e)
{
	struct sockaddr_un sa;
	mode_t before;
	int fd, rc;

	if (unix_address(&sa, path) < 0)
		return err_set(e, -ENAMETOOLONG,
			       "socket %s: a socket's path has at most %zu bytes, this one has %zu",
			       path, sizeof(sa.sun_path) - 1, strlen(path));
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "socket %s", path);
	/* The mode comes from the umask: a chmod afterwards would leave a moment open to all. */
	before = umask(0177);
	rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(before);
	if (rc < 0 || listen(fd, backlog) < 0) {
		rc = err_sys(e, "listen on %s", path);
		fd_close(&fd);
		return rc;
	}
	return fd;
}

int unix_listen(const char *path, int backlog, struct err *e)
{
	return listen_as(SOCK_STREAM, path, backlog, e);
}

int unix_listen_messages(const char *path, int backlog, struct err *e)
{
	return listen_as(SOCK_SEQPACKET, path, backlog, e);
}

static int connect_as(int type, const char *path, int nonblock)
{
	struct sockaddr_un sa;
	int fd, rc;

	rc = unix_address(&sa, path);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0), 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		rc = -errno;
		fd_close(&fd);
		return rc;
	}
	return fd;
}

int unix_connect(const char *path, int nonblock)
{
	return connect_as(SOCK_STREAM, path, nonblock);
}

int unix_connect_messages(const char *path, int nonblock)
{
	return connect_as(SOCK_SEQPACKET, path, nonblock);
}
