/*
 * observer - a stranger who connects all the time.
 *
 *	observer PORT MS WANT [ASK]
 *
 * For so many milliseconds, from now on, it connects to the port of 127.0.0.1 every 5 ms, says ASK and
 * a newline if there is one, and is content with an answer that begins with WANT. Prints how often it
 * tried and how often that failed, and what was wrong the first time. Exits 1 when anything was.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum { EVERY_MS = 5, ANSWER_S = 5 };

/* NULL, or what went wrong. The answer is read to its end, so that it is we who are not to blame for a reset. */
static const char *talk(int fd, const char *want, const char *ask)
{
	char said[512], rest[512];
	size_t have = 0;
	ssize_t n;

	if (ask && (fd_write_all(fd, ask, strlen(ask)) < 0 || fd_write_all(fd, "\r\n\r\n", 4) < 0))
		return "it does not take the question";
	while (have < strlen(want)) {
		n = fd_read(fd, said + have, sizeof(said) - have);
		if (n <= 0)
			return n == 0 ? "it closes without an answer" : strerror((int)-n);
		have += (size_t)n;
	}
	if (memcmp(said, want, strlen(want)) != 0)
		return "another answer";
	shutdown(fd, SHUT_WR);
	while ((n = fd_read(fd, rest, sizeof(rest))) > 0)
		;
	return n < 0 ? strerror((int)-n) : NULL;
}

static const char *try(uint16_t port, const char *want, const char *ask)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval limit = { .tv_sec = ANSWER_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *why;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		why = strerror(errno);
	else
		why = talk(fd, want, ask);
	fd_close(&fd);
	return why;
}

int main(int argc, char **argv)
{
	int64_t began = clock_ms(), next = began;
	unsigned tries = 0, failures = 0;
	char first[128] = "";

	if (argc < 4)
		return fprintf(stderr, "observer: PORT MS WANT [ASK]\n"), 2;
	while (next < began + atoi(argv[2])) {
		const char *why = try((uint16_t)atoi(argv[1]), argv[3], argc > 4 ? argv[4] : NULL);
		int64_t now = clock_ms();

		tries++;
		if (why && failures++ == 0)
			snprintf(first, sizeof(first), ", the first after %" PRId64 " ms: %s", now - began, why);
		next += EVERY_MS;
		if (next > now)
			usleep((useconds_t)(next - now) * 1000);
		else
			next = now;
	}
	printf("%u tries, %u failures%s\n", tries, failures, first);
	return failures > 0;
}
