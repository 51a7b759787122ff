/* A frame that does not fit into its connection at once goes there whole, in whatever pieces it takes. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "host/siphon.h"

enum { LEN = FRAME_CHUNK };

static uint8_t sent[LEN], got[FRAME_HEADER + LEN];

/* What lies in the connection, behind what is there already; how much there is then. */
static size_t take(int fd, size_t have)
{
	ssize_t n;

	while (have < sizeof(got) &&
	       (n = recv(fd, got + have, sizeof(got) - have, MSG_DONTWAIT)) > 0)
		have += (size_t)n;
	return have;
}

/* TCP: a unix socket of Linux takes spliced pages beyond its buffer's size. */
static int narrow_pair(int to[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096, rc;
	socklen_t len = sizeof(at);

	to[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = setsockopt(to[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) |
	     setsockopt(door, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) |
	     bind(door, (struct sockaddr *)&at, len) | listen(door, 1) |
	     getsockname(door, (struct sockaddr *)&at, &len) |
	     connect(to[0], (struct sockaddr *)&at, len) | fd_nonblock(to[0]);
	to[1] = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	fd_close(&door);
	return rc;
}

static void what_a_full_connection_did_not_take_is_lost(void)
{
	struct siphon s = SIPHON_INIT;
	int from[2], to[2], pours = 0;
	size_t have = 0;

	for (size_t i = 0; i < LEN; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 9);
	CHECK(pipe2(from, O_CLOEXEC) == 0 && fcntl(from[1], F_SETPIPE_SZ, 2 * LEN) > 0);
	CHECK(narrow_pair(to) == 0);
	CHECK(write(from[1], sent, LEN) == LEN);
	CHECK(siphon_draw(&s, FRAME_STDIN, from[0], LEN) == LEN);
	while (siphon_is_filled(&s) && pours++ < 100000) {
		CHECK(siphon_pour(&s, to[0]) == 0);
		have = take(to[1], have);
	}
	have = take(to[1], have);
	CHECK(pours > 1); /* else nothing was shown */
	CHECK(have == sizeof(got) && got[0] == FRAME_STDIN);
	CHECK(!memcmp(got + FRAME_HEADER, sent, LEN));
	siphon_close(&s);
	for (int i = 0; i < 2; i++) {
		fd_close(&from[i]);
		fd_close(&to[i]);
	}
}

int main(void)
{
	TEST(what_a_full_connection_did_not_take_is_lost);
	return check_done();
}
