/*
 * herald - an SSH server that is there from some moment on, and how late somebody learns of it.
 *
 *	herald MS refuses|closes CMD [ARG]...
 *
 * CMD, whose argument PORT becomes the port's number, must end with 0 once it has seen the server's
 * identification. Until MS milliseconds have passed there is nobody at 127.0.0.1:PORT, or somebody who
 * accepts and closes; then whoever comes is greeted. Prints from then to the end of CMD, in
 * milliseconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

static const char greeting[] = "SSH-2.0-herald\r\n";

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* What is bound, and does not listen, refuses: the port is nobody else's meanwhile. */
static int take_port(char text[8])
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -1;
	snprintf(text, 8, "%u", ntohs(sa.sin_port));
	return fd;
}

static pid_t begin(char **argv, const char *port)
{
	pid_t pid;

	for (char **arg = argv; *arg; arg++) {
		char *at = strstr(*arg, "PORT"), *text;

		if (at && asprintf(&text, "%.*s%s%s", (int)(at - *arg), *arg, port, at + 4) > 0)
			*arg = text;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

/* A client's end is waited for, as a server does. */
static void serve(int listener, int greets)
{
	int fd = accept(listener, NULL, NULL);
	char any[64];

	if (fd < 0)
		return;
	if (greets && write(fd, greeting, sizeof(greeting) - 1) > 0) {
		struct pollfd p = { fd, POLLIN, 0 };

		shutdown(fd, SHUT_WR);
		while (poll(&p, 1, 100) > 0 && read(fd, any, sizeof(any)) > 0)
			;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int fd, closes, pidfd, status = 0;
	char port[8];
	double moment;
	pid_t pid;

	if (argc < 4)
		return 2;
	closes = !strcmp(argv[2], "closes");
	fd = take_port(port);
	if (fd < 0 || (closes && listen(fd, 64) < 0))
		return fail("a port");
	moment = now_ms() + atof(argv[1]);
	pid = begin(argv + 3, port);
	pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return fail("begin");
	for (int is_there = 0;;) {
		struct pollfd p[] = { { pidfd, POLLIN, 0 }, { is_there || closes ? fd : -1, POLLIN, 0 } };
		double left = moment - now_ms();

		if (!is_there && left <= 0) {
			is_there = 1;
			if (!closes && listen(fd, 64) < 0)
				return fail("listen");
			moment = now_ms();
			continue;
		}
		/* The last millisecond is not left to a timer that counts them whole. */
		poll(p, COUNT(p), is_there ? -1 : left > 1 ? (int)left : 0);
		if (p[0].revents)
			break;
		if (p[1].revents)
			serve(fd, is_there);
	}
	moment = now_ms() - moment;
	if (waitpid(pid, &status, 0) < 0 || status != 0 || moment < 0)
		return fail("it ended too early, or badly");
	printf("%.3f\n", moment);
	return 0;
}
