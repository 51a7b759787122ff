/*
 * gauge - what the benches of sessions and streams measure with, on both sides of the vsock.
 *
 * A WHERE that listens is vsock:PORT, tcp:PORT or unix:PATH; one that is called is raw:PATH:PORT, a
 * vsock port of the guest behind vsock.sock, stream:PATH:PORT, a tcp port there through its stream
 * server, tcp:PORT or unix:PATH; "-" is stdin or stdout.
 *
 * Out of the guest:
 *	gauge give WHERE BYTES           serves as many bytes to whoever connects, for ever; - once
 *	gauge pass WHERE tcp:PORT|CMD... to whoever connects, what comes from there, or the command says
 *	gauge copy WHERE                 from there to stdout
 *	gauge take WHERE                 KiB a second from the first byte to the end
 * Into it:
 *	gauge drain WHERE                takes all that comes, closes when there is no more; for ever
 *	gauge catch WHERE tcp:PORT|CMD...  from whoever connects, to there; closes when that has closed
 *	gauge put WHERE                  from stdin to there, until that has closed
 *	gauge pour BYTES WHERE|CMD...    KiB a second until all of it was taken and that has closed
 * And:
 *	gauge relay WHERE WHERE          whoever connects to one is connected to the other, each by a process
 *	gauge time CMD...                microseconds; its output is thrown away
 *	gauge now                        the wall clock's nanoseconds
 *	gauge uptime                     those of the clock that nobody sets
 *	gauge shift                      how far the wall clock is ahead of that
 *
 * pass, copy, catch, put and relay are the least that a relay can be, as socat is one: a process that reads
 * and writes, and knows no frames, no status and no second connection. The first MiB that is poured
 * is not counted: it fills the pipes while the other side starts.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/dial.h"
#include "host/stream.h"

enum { BLOCK = 256 * 1024, WAIT_MS = 10000 };

static char block[BLOCK];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int give_all(int fd, long long bytes)
{
	while (bytes > 0) {
		size_t part = (size_t)MIN(bytes, BLOCK);

		if (fd_write_all(fd, block, part) < 0)
			return fail("write");
		bytes -= (long long)part;
	}
	return 0;
}

static int listen_at_path(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	unlink(path);
	return bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 8) < 0 ? -1 : fd;
}

static int listen_at(const char *where)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int is_vm = !strncmp(where, "vsock:", 6), fd, on = 1;

	if (!strncmp(where, "unix:", 5))
		return listen_at_path(where + 5);
	vm.svm_port = (unsigned)atoi(strchr(where, ':') + 1);
	in.sin_port = htons((uint16_t)vm.svm_port);
	fd = socket(is_vm ? AF_VSOCK : AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, is_vm ? (struct sockaddr *)&vm : (struct sockaddr *)&in,
		 is_vm ? sizeof(vm) : sizeof(in)) < 0 ||
	    listen(fd, 8) < 0)
		return -1;
	return fd;
}

static int copy_all(int from, int to)
{
	ssize_t n;

	while ((n = fd_read(from, block, BLOCK)) > 0)
		if (fd_write_all(to, block, (size_t)n) < 0)
			return fail("write");
	return n < 0 ? fail("read") : 0;
}

static int open_tcp(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ? -1 : fd;
}

/* Our end of a pipe that is the command's stdin or stdout. */
static int open_command(char **argv, int its, pid_t *pid)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[0], F_SETPIPE_SZ, BLOCK);
	*pid = fork();
	if (*pid == 0) {
		dup2(ends[its], its);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(ends[its]);
	return ends[!its];
}

static int open_tcp_or_command(char **what, int its, pid_t *pid)
{
	*pid = 0;
	return what[1] ? open_command(what, its, pid) : open_tcp(atoi(strchr(*what, ':') + 1));
}

/* Nonzero when it ended well; of a connection the other side's close is the end. */
static int has_ended(int fd, pid_t pid)
{
	int status = 0;

	if (pid > 0)
		return waitpid(pid, &status, 0) == pid && status == 0;
	return read(fd, block, 1) == 0;
}

static int pass(const char *where, char **source)
{
	int listener = listen_at(where), fd, from;
	pid_t pid;

	if (listener < 0)
		return fail(where);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		from = open_tcp_or_command(source, STDOUT_FILENO, &pid);
		if (from < 0)
			return fail(*source);
		if (copy_all(from, fd) == 0)
			shutdown(fd, SHUT_WR);
		(void)!read(fd, block, 1); /* the other side closes first */
		if (pid > 0)
			waitpid(pid, NULL, 0);
		close(from);
		close(fd);
	}
	return fail("accept");
}

static int catch_all(const char *where, char **sink)
{
	int listener = listen_at(where), fd, to;
	pid_t pid;

	if (listener < 0)
		return fail(where);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		to = open_tcp_or_command(sink, STDIN_FILENO, &pid);
		if (to < 0 || copy_all(fd, to) != 0)
			return fail(*sink);
		if (pid > 0)
			fd_close(&to);
		else
			shutdown(to, SHUT_WR);
		if (!has_ended(to, pid))
			return fail(*sink);
		fd_close(&to);
		close(fd);
	}
	return fail("accept");
}

static int drain_all(int fd)
{
	ssize_t n;

	while ((n = fd_read(fd, block, BLOCK)) > 0)
		;
	return n < 0 ? fail("read") : 0;
}

static int drain(const char *where)
{
	int fd, listener;

	if (!strcmp(where, "-"))
		return drain_all(STDIN_FILENO);
	listener = listen_at(where);
	if (listener < 0)
		return fail(where);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		(void)drain_all(fd);
		close(fd);
	}
	return fail("accept");
}

static int give(const char *where, long long bytes)
{
	int fd, listener;

	memset(block, 'x', sizeof(block));
	if (!strcmp(where, "-"))
		return give_all(STDOUT_FILENO, bytes);
	listener = listen_at(where);
	if (listener < 0)
		return fail(where);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (give_all(fd, bytes) == 0)
			shutdown(fd, SHUT_WR);
		(void)!read(fd, block, 1); /* the other side closes first */
		close(fd);
	}
	return fail("accept");
}

static int connect_to(const char *where)
{
	struct target t = TARGET_NONE;
	struct err e = ERR_NONE;
	const char *path = strchr(where, ':') + 1, *port = strrchr(where, ':') + 1;
	struct stream_req q = { STREAM_TCP, "127.0.0.1", (uint16_t)atoi(port), WAIT_MS };
	int fd;

	if (!strncmp(where, "unix:", 5))
		return unix_connect(path, 0);
	if (!strncmp(where, "tcp:", 4))
		return open_tcp(q.port);
	snprintf(t.vsock, sizeof(t.vsock), "%.*s", (int)(port - 1 - path), path);
	snprintf(t.name, sizeof(t.name), "guest");
	if (!strncmp(where, "raw:", 4))
		fd = dial_vsock(t.vsock, q.port, clock_ms() + WAIT_MS, &e);
	else
		fd = stream_open(&t, &q, &e);
	if (fd < 0)
		fprintf(stderr, "gauge: %s\n", e.text);
	return fd;
}

static int take(const char *where)
{
	int fd = strcmp(where, "-") ? connect_to(where) : STDIN_FILENO;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long long bytes = 0;
	int64_t began = 0;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && poll(&p, 1, WAIT_MS) == 1) {
		n = fd_read(fd, block, sizeof(block));
		if (began == 0)
			began = clock_us();
		bytes += MAX(n, 0);
	}
	if (n != 0 || bytes == 0)
		return fprintf(stderr, "gauge: %s: no end after %lld bytes\n", where, bytes), 1;
	printf("%lld\n", bytes * 1000000 / 1024 / MAX(clock_us() - began, 1));
	return 0;
}

/* It may block. */
static int connect_blocking(const char *where)
{
	int fd = connect_to(where);

	return fd < 0 || fcntl(fd, F_SETFL, 0) < 0 ? -1 : fd;
}

static int copy_out(const char *where)
{
	int fd = connect_blocking(where);

	return fd < 0 ? fail(where) : copy_all(fd, STDOUT_FILENO);
}

static int put(const char *where)
{
	int fd = connect_blocking(where);

	if (fd < 0 || copy_all(STDIN_FILENO, fd) != 0)
		return fail(where);
	shutdown(fd, SHUT_WR);
	return has_ended(fd, 0) ? 0 : fail(where);
}

static int pour(long long bytes, char **sink)
{
	const long long first = 1 << 20;
	pid_t pid = 0;
	int fd = sink[1] ? open_command(sink, STDIN_FILENO, &pid) : connect_blocking(*sink);
	int64_t began;

	memset(block, 'x', sizeof(block));
	if (fd < 0 || bytes <= first || give_all(fd, first) != 0)
		return fail(*sink);
	began = clock_us();
	if (give_all(fd, bytes - first) != 0)
		return 1;
	if (pid > 0)
		fd_close(&fd);
	else
		shutdown(fd, SHUT_WR);
	if (!has_ended(fd, pid))
		return fprintf(stderr, "gauge: %s did not take all of it\n", *sink), 1;
	printf("%lld\n", (bytes - first) * 1000000 / 1024 / MAX(clock_us() - began, 1));
	return 0;
}

/* What has come goes on, its end too: 0 then. */
static int move_on(int from, int to)
{
	ssize_t n = fd_read(from, block, BLOCK);

	if (n > 0 && fd_write_all(to, block, (size_t)n) == 0)
		return 1;
	shutdown(to, SHUT_WR);
	return 0;
}

static void relay_both(int one, int other)
{
	struct pollfd p[2] = { { .fd = one, .events = POLLIN }, { .fd = other, .events = POLLIN } };

	while ((p[0].fd >= 0 || p[1].fd >= 0) && poll(p, 2, -1) > 0) {
		if (p[0].revents && !move_on(one, other))
			p[0].fd = -1;
		if (p[1].revents && !move_on(other, one))
			p[1].fd = -1;
	}
}

static int relay(const char *where, const char *to)
{
	int listener = listen_at(where), fd, other;

	if (listener < 0)
		return fail(where);
	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			other = connect_blocking(to);
			if (other >= 0)
				relay_both(fd, other);
			_exit(other < 0);
		}
		close(fd);
	}
	return fail("accept");
}

static int time_command(char **argv)
{
	int64_t began = clock_us();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
		dup2(STDIN_FILENO, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return fprintf(stderr, "gauge: %s failed\n", argv[0]), 1;
	printf("%lld\n", (long long)(clock_us() - began));
	return 0;
}

static long long read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int say(long long ns)
{
	printf("%lld\n", ns);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "give"))
		return give(argv[2], atoll(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "take"))
		return take(argv[2]);
	if (argc > 3 && !strcmp(argv[1], "pass"))
		return pass(argv[2], argv + 3);
	if (argc == 3 && !strcmp(argv[1], "copy"))
		return copy_out(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "drain"))
		return drain(argv[2]);
	if (argc > 3 && !strcmp(argv[1], "catch"))
		return catch_all(argv[2], argv + 3);
	if (argc == 3 && !strcmp(argv[1], "put"))
		return put(argv[2]);
	if (argc > 3 && !strcmp(argv[1], "pour"))
		return pour(atoll(argv[2]), argv + 3);
	if (argc == 4 && !strcmp(argv[1], "relay"))
		return relay(argv[2], argv[3]);
	if (argc > 2 && !strcmp(argv[1], "time"))
		return time_command(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "now"))
		return say(read_clock(CLOCK_REALTIME));
	if (argc == 2 && !strcmp(argv[1], "uptime"))
		return say(read_clock(CLOCK_MONOTONIC));
	if (argc == 2 && !strcmp(argv[1], "shift"))
		return say(read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC));
	fprintf(stderr, "gauge: give, pass, copy, take, drain, catch, put, pour, relay, time, now, uptime or "
			"shift; see its source\n");
	return 2;
}
