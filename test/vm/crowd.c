/*
 * crowd - a server, and a great many who come to it, each with an end of its own.
 *
 *	crowd serve PORT             on 127.0.0.1, for ever; the first byte says what is wanted
 *	crowd come PORT COUNT SEED   COUNT connections to it, up to 32 of them at a time; what went wrong
 *	                             is told, with how many did. Exits 1 when one did
 *	crowd time PORT COUNT        microseconds a connection takes: made, a byte there and back, closed
 *
 * The server reads and writes what fits in one call: what is asked for here is small.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

enum { HELD = 32, WORDS = 24, FLOOD = 16384, ANSWER_S = 60 };

static struct sockaddr_in address(const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return in;
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* --- the server --- */

/* What came first decides; all that follows comes back. */
static void answer(int fd)
{
	static char block[FLOOD];
	ssize_t n = read(fd, block, sizeof(block));

	if (n > 0 && block[0] == 'r') {
		reset(fd);
	} else if (n <= 0 || block[0] == 'x') {
		close(fd);
	} else if (block[0] == 'f') {
		(void)!write(fd, block, sizeof(block)); /* and stays until they have gone */
	} else {
		(void)!write(fd, block, (size_t)n);
	}
}

static int serve(const char *port)
{
	struct sockaddr_in in = address(port);
	int listener = socket(AF_INET, SOCK_STREAM, 0), all = epoll_create1(0), on = 1, fd;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener };

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&in, sizeof(in)) < 0 || listen(listener, 128) < 0)
		return perror("crowd: listen"), 1;
	epoll_ctl(all, EPOLL_CTL_ADD, listener, &ev);
	while (epoll_wait(all, &ev, 1, -1) == 1 || errno == EINTR) {
		if (ev.data.fd != listener) {
			answer(ev.data.fd);
			continue;
		}
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		ev.data.fd = fd;
		if (fd >= 0)
			epoll_ctl(all, EPOLL_CTL_ADD, fd, &ev);
	}
	return 1;
}

/* --- those who come; each returns NULL or what was wrong --- */

static int come_to(const struct sockaddr_in *in)
{
	struct timeval limit = { .tv_sec = ANSWER_S };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)in, sizeof(*in)) == 0)
		return fd;
	close(fd);
	return -1;
}

static const char *say(int fd, const char *words)
{
	return fd_write_all(fd, words, WORDS) < 0 ? strerror(errno) : NULL;
}

/* What it was told before comes back, then its end. */
static const char *hears(int fd, const char *words)
{
	char back[WORDS];
	size_t have = 0;
	ssize_t n;

	while (have < WORDS) {
		n = fd_read(fd, back + have, WORDS - have);
		if (n <= 0)
			return n < 0 ? strerror((int)-n) : "it ended before all had come back";
		have += (size_t)n;
	}
	return memcmp(back, words, WORDS) ? "another's bytes came back" : NULL;
}

static const char *hears_the_end(int fd)
{
	char one;
	ssize_t n = fd_read(fd, &one, 1);

	return n == 0 ? NULL : n < 0 ? strerror((int)-n) : "more came than was sent";
}

static const char *end_half(int fd, const char *words)
{
	const char *why;

	shutdown(fd, SHUT_WR);
	why = hears(fd, words);
	if (!why)
		why = hears_the_end(fd);
	close(fd);
	return why;
}

static const char *end_theirs(int fd, const char *words)
{
	const char *why = hears_the_end(fd);

	(void)words;
	close(fd);
	return why;
}

static const char *end_reset(int fd, const char *words)
{
	char one;
	ssize_t n = fd_read(fd, &one, 1);

	(void)words;
	close(fd);
	return n == -ECONNRESET ? NULL : "a reset became something else";
}

static const char *end_by_reset(int fd, const char *words)
{
	(void)words;
	reset(fd);
	return NULL;
}

static const char *end_unread(int fd, const char *words)
{
	char one;
	ssize_t n = fd_read(fd, &one, 1);

	(void)words;
	close(fd);
	return n == 1 ? NULL : "nothing came";
}

static const struct {
	char asks;
	const char *(*end)(int fd, const char *words);
} ways[] = {
	{ 'e', end_half }, { 'x', end_theirs }, { 'r', end_reset }, { 'e', end_by_reset }, { 'f', end_unread },
};

static int come(const char *port, unsigned count, unsigned seed)
{
	struct sockaddr_in in = address(port);
	struct {
		int fd;
		unsigned way;
		char words[WORDS];
	} held[HELD];
	unsigned failures = 0;

	for (unsigned i = 0; i < HELD; i++)
		held[i].fd = -1;
	for (unsigned i = 0; i < count + HELD; i++) {
		unsigned at;
		const char *why = NULL;

		seed = seed * 1103515245 + 12345;
		at = i < count ? seed / 65536 % HELD : i - count;
		if (held[at].fd >= 0)
			why = ways[held[at].way].end(held[at].fd, held[at].words);
		held[at].fd = -1;
		if (!why && i < count) {
			held[at].way = seed / 4096 % COUNT(ways);
			memset(held[at].words, 0, WORDS);
			snprintf(held[at].words, WORDS, "%c %u", ways[held[at].way].asks, i);
			held[at].fd = come_to(&in);
			why = held[at].fd < 0 ? "nobody takes it" : say(held[at].fd, held[at].words);
		}
		if (why && failures++ < 10)
			printf("connection %u, way %u: %s\n", i, held[at].way, why);
	}
	printf("%u connections, %u failures\n", count, failures);
	return failures > 0;
}

static int time_them(const char *port, unsigned count)
{
	struct sockaddr_in in = address(port);
	char words[WORDS] = "e", back;
	int64_t began = clock_us();

	for (unsigned i = 0; i < count; i++) {
		int fd = come_to(&in);

		if (fd < 0 || fd_write_all(fd, words, 1) < 0 || fd_read(fd, &back, 1) != 1)
			return fprintf(stderr, "crowd: connection %u failed\n", i), 1;
		close(fd);
	}
	printf("%lld\n", (long long)(clock_us() - began) / MAX(count, 1u));
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "come"))
		return come(argv[2], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "time"))
		return time_them(argv[2], (unsigned)atoi(argv[3]));
	fprintf(stderr, "crowd: serve, come or time; see its source\n");
	return 2;
}
