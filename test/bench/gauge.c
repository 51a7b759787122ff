/*
 * gauge - what the benches of sessions and streams measure with, on both sides of the vsock.
 *
 *	gauge give vsock:PORT|tcp:PORT BYTES   serves as many bytes to whoever connects, for ever
 *	gauge give - BYTES                     to stdout, once
 *	gauge pass vsock:PORT tcp:PORT         to whoever connects, what comes from there
 *	gauge pass vsock:PORT CMD ARG...       to whoever connects, what the command says
 *	gauge copy raw:PATH:PORT               from a vsock port of the guest to stdout
 *	gauge take raw:PATH:PORT               from a vsock port of the guest behind vsock.sock
 *	gauge take stream:PATH:PORT            from a tcp port there, through its stream server
 *	gauge take -                           from stdin
 *	gauge time CMD [ARG]...                runs it, with its output thrown away
 *	gauge now                              prints the wall clock's nanoseconds
 *
 * take prints KiB a second from the first byte to the end; time prints microseconds, and fails
 * when the command does. pass and copy are the least that a relay can be: one process that reads
 * and writes, and knows no frames, no status and no second connection.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

static int listen_at(const char *where)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int is_vm = !strncmp(where, "vsock:", 6), fd, on = 1;

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

static int open_command(char **argv)
{
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	fcntl(out[0], F_SETPIPE_SZ, BLOCK);
	if (fork() == 0) {
		dup2(out[1], STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(out[1]);
	return out[0];
}

static int pass(const char *where, char **source)
{
	int listener = listen_at(where), fd, from;

	if (listener < 0)
		return fail(where);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		from = source[1] ? open_command(source) : open_tcp(atoi(strchr(*source, ':') + 1));
		if (from < 0)
			return fail(*source);
		if (copy_all(from, fd) == 0)
			shutdown(fd, SHUT_WR);
		(void)!read(fd, block, 1); /* the other side closes first */
		close(from);
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
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

static int copy_out(const char *where)
{
	int fd = connect_to(where);

	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0) /* it may block */
		return fail(where);
	return copy_all(fd, STDOUT_FILENO);
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

static int now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	printf("%lld%09ld\n", (long long)t.tv_sec, t.tv_nsec);
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
	if (argc > 2 && !strcmp(argv[1], "time"))
		return time_command(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "now"))
		return now();
	fprintf(stderr, "gauge: give, take, pass, copy, time or now; see its source\n");
	return 2;
}
