/*
 * peer - one end of a connection, for the tests of the socket device.
 *
 *	peer take WHERE REPLY     accept one connection, read it to its end, then answer and close
 *	peer eat  WHERE 0         the same without an answer
 *	peer give WHERE BYTES     connect, send BYTES, end the sending half, print the answer
 *	peer toss WHERE BYTES     connect, send BYTES, close at once
 *	peer say  WHERE TEXT      connect, send TEXT and a newline, print how many bytes come back
 *	peer hex  WHERE BYTES     connect, send BYTES as 0a1b..., end the sending half, print the answer so
 *
 * with messages (SOCK_SEQPACKET) instead of bytes:
 *
 *	peer gather WHERE REPLY   accept one connection, receive to its end, answer how many, then REPLY messages
 *	peer hoard  WHERE 0       the same without an answer
 *	peer post   WHERE COUNT   connect, send COUNT messages, end the sending half, print the answer
 *	peer drop   WHERE COUNT   connect, send COUNT messages, close at once
 *	peer letter WHERE BYTES   connect, send one message of BYTES
 *
 * and as a peer nobody wishes for:
 *
 *	peer noise WHERE SEED     connect, send bytes from SEED, half of them in frames, until nobody takes more
 *	peer cut   WHERE BYTES    for each beginning of BYTES (hex): connect, send it, end the sending half
 *	peer stuck WHERE COUNT    connect COUNT times, each with half a frame, and wait to be let go
 *	peer heard WHERE 0        accept one connection as vsock.sock would, print in hex what is said first
 *
 * WHERE is vsock:CID:PORT (CID is ignored when accepting), unix:PATH, or mux:PATH:PORT (CONNECT).
 * `take` answers "COUNT HASH\n" and then REPLY bytes: what comes after the other side's end of
 * sending is what a full close in place of a half one loses. Bytes are a known sequence; a wrong
 * one ends the program with 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/fd.h"
#include "proto/frame.h"

enum { CHUNK = 1 << 16, MESSAGE_MAX = 1 << 18 };

static int socket_type = SOCK_STREAM;

static void fail(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint8_t byte_at(uint64_t i)
{
	return (uint8_t)(i * 131 + (i >> 8) * 7 + (i >> 16));
}

/* The socket and its address; for mux the address is the multiplexer's. */
static int open_where(const char *where, struct sockaddr_storage *sa, socklen_t *len,
		      unsigned *port)
{
	struct sockaddr_vm *vm = (struct sockaddr_vm *)sa;
	struct sockaddr_un *un = (struct sockaddr_un *)sa;
	int is_mux = !strncmp(where, "mux:", 4);
	int fd;

	memset(sa, 0, sizeof(*sa));
	if (sscanf(where, "vsock:%u:%u", &vm->svm_cid, &vm->svm_port) == 2) {
		vm->svm_family = AF_VSOCK;
		*len = sizeof(*vm);
	} else {
		const char *colon = is_mux ? strrchr(where, ':') : where + strlen(where);

		un->sun_family = AF_UNIX;
		where = strchr(where, ':') + 1;
		snprintf(un->sun_path, sizeof(un->sun_path), "%.*s", (int)(colon - where), where);
		*len = sizeof(*un);
		*port = is_mux ? (unsigned)atoi(colon + 1) : 0;
	}
	fd = socket(sa->ss_family, socket_type, 0);
	if (fd < 0)
		fail("socket");
	return fd;
}

static int connect_where(const char *where)
{
	struct sockaddr_storage sa;
	socklen_t len;
	unsigned port = 0;
	int fd = open_where(where, &sa, &len, &port);
	char c;

	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		fail(where);
	if (port && socket_type == SOCK_SEQPACKET) {
		char line[32];

		dprintf(fd, "CONNECT %u\n", port);
		if (fd_read(fd, line, sizeof(line)) < 5 || memcmp(line, "OK ", 3))
			fail("the guest refused");
	} else if (port) {
		dprintf(fd, "CONNECT %u\n", port);
		do
			if (fd_read(fd, &c, 1) != 1)
				fail("the guest refused");
		while (c != '\n');
	}
	return fd;
}

static int accept_where(const char *where)
{
	struct sockaddr_storage sa;
	socklen_t len;
	unsigned port = 0;
	int fd = open_where(where, &sa, &len, &port), conn;

	if (sa.ss_family == AF_VSOCK)
		((struct sockaddr_vm *)&sa)->svm_cid = VMADDR_CID_ANY;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 8) < 0)
		fail(where);
	printf("listening\n");
	fflush(stdout);
	conn = accept(fd, NULL, NULL);
	if (conn < 0)
		fail("accept");
	return conn;
}

static void send_bytes(int fd, uint64_t count)
{
	static uint8_t buf[CHUNK];
	uint64_t done = 0;

	while (done < count) {
		size_t n = count - done < CHUNK ? (size_t)(count - done) : CHUNK;

		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(done + i);
		if (fd_write_all(fd, buf, n) < 0)
			fail("send");
		done += n;
	}
}

static uint64_t read_bytes(int fd)
{
	static uint8_t buf[CHUNK];
	uint64_t done = 0;
	ssize_t n;

	while ((n = fd_read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, done++)
			if (buf[i] != byte_at(done)) {
				fprintf(stderr, "peer: byte %" PRIu64 " is wrong\n", done);
				exit(1);
			}
	if (n < 0)
		fail("read");
	return done;
}

static int take(const char *where, uint64_t reply, int answers)
{
	int fd = accept_where(where);
	uint64_t got = read_bytes(fd);
	char line[64];
	int len = snprintf(line, sizeof(line), "%" PRIu64 "\n", got);

	if (answers && fd_write_all(fd, line, (size_t)len) < 0)
		fail("answer");
	send_bytes(fd, answers ? reply : 0);
	close(fd);
	printf("took %" PRIu64 "\n", got);
	return 0;
}

static int give(const char *where, uint64_t count, int wants_answer)
{
	int fd = connect_where(where);
	char c, line[64] = "";
	size_t used = 0;

	send_bytes(fd, count);
	if (!wants_answer) {
		close(fd);
		return 0;
	}
	shutdown(fd, SHUT_WR);
	while (used < sizeof(line) - 1 && fd_read(fd, &c, 1) == 1 && c != '\n')
		line[used++] = c;
	printf("gave %s, came back %" PRIu64 "\n", line, read_bytes(fd));
	return 0;
}

static int say(const char *where, const char *text)
{
	int fd = connect_where(where);
	unsigned count = 0;
	char c;

	dprintf(fd, "%s\n", text);
	while (fd_read(fd, &c, 1) == 1) /* an end or a reset: both are a hang-up */
		count++;
	printf("came back %u\n", count);
	return 0;
}

static int hex(const char *where, const char *text)
{
	int fd = connect_where(where);
	uint8_t byte;

	for (; sscanf(text, "%2hhx", &byte) == 1; text += 2)
		if (fd_write_all(fd, &byte, 1) < 0)
			fail("send");
	shutdown(fd, SHUT_WR);
	while (fd_read(fd, &byte, 1) == 1)
		printf("%02x", byte);
	printf("\n");
	return 0;
}

/* --- messages --- */

static size_t length_of(uint64_t i)
{
	return i % 100 == 13 ? 200 << 10 : i % 50 == 7 ? 64 << 10 : 1 + i * 37 % 300;
}

static uint8_t message[MESSAGE_MAX];

static void send_message(int fd, uint64_t i, size_t len)
{
	for (size_t at = 0; at < len; at++)
		message[at] = byte_at(i * 7 + at);
	if (send(fd, message, len, MSG_NOSIGNAL) != (ssize_t)len)
		fail("send");
}

static void send_messages(int fd, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		send_message(fd, i, length_of(i));
}

static int is_message(uint64_t i, size_t len)
{
	size_t at = 0;

	while (at < len && message[at] == byte_at(i * 7 + at))
		at++;
	return at == len && len == length_of(i);
}

/* To the end; how many. */
static uint64_t receive_messages(int fd)
{
	uint64_t count = 0;
	ssize_t n;

	for (; (n = recv(fd, message, sizeof(message), 0)) > 0; count++)
		if (!is_message(count, (size_t)n)) {
			fprintf(stderr, "peer: message %" PRIu64 ", of %zd bytes, is wrong\n", count, n);
			exit(1);
		}
	if (n < 0)
		fail("receive");
	return count;
}

static int gather(const char *where, uint64_t reply, int answers)
{
	int fd = accept_where(where);
	uint64_t got = receive_messages(fd);

	if (answers) {
		dprintf(fd, "%" PRIu64, got);
		send_messages(fd, reply);
	}
	close(fd);
	printf("gathered %" PRIu64 "\n", got);
	return 0;
}

static int post(const char *where, uint64_t count, int wants_answer)
{
	int fd = connect_where(where);
	char answer[32] = "";

	send_messages(fd, count);
	if (!wants_answer) {
		close(fd);
		return 0;
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		fail("no answer");
	printf("posted %s, came back %" PRIu64 "\n", answer, receive_messages(fd));
	return 0;
}

static int letter(const char *where, uint64_t len)
{
	send_message(connect_where(where), 0, (size_t)len);
	return 0;
}

static int with_messages(const char *verb, const char *where, uint64_t count)
{
	socket_type = SOCK_SEQPACKET;
	if (!strcmp(verb, "gather"))
		return gather(where, count, 1);
	if (!strcmp(verb, "hoard"))
		return gather(where, count, 0);
	if (!strcmp(verb, "post"))
		return post(where, count, 1);
	if (!strcmp(verb, "drop"))
		return post(where, count, 0);
	if (!strcmp(verb, "letter") && count <= MESSAGE_MAX)
		return letter(where, count);
	fprintf(stderr, "usage: peer take|eat|give|toss|hex|noise|cut|stuck|heard WHERE BYTES | say WHERE TEXT |\n"
			"       gather|hoard|post|drop WHERE COUNT | letter WHERE BYTES\n");
	return 2;
}

/* --- peers nobody wishes for --- */

static uint64_t noise_state;

static uint32_t noise(void) /* splitmix64 */
{
	uint64_t z = noise_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)(z >> 32);
}

/* Random, but for what would do something: this may be the machine of whoever runs the tests. */
static uint8_t noise_type(void)
{
	static const uint8_t asks[] = { FRAME_EXEC,	 FRAME_POWEROFF, FRAME_CLOCK_SET,
					FRAME_SIGNAL_MAIN, FRAME_COPY_PUT };
	uint8_t type = noise() % 0x70;

	return memchr(asks, type, sizeof(asks)) ? FRAME_HEARTBEAT : type;
}

/* A frame that has its length, or (one in eight) another; or just bytes. How many. */
static size_t noise_piece(uint8_t *out)
{
	size_t len = noise() % 200;
	uint32_t said = noise() % 8 ? (uint32_t)len : noise();

	for (size_t i = 0; i < FRAME_HEADER + len; i++)
		out[i] = (uint8_t)noise();
	if (noise() % 2) {
		out[0] |= 0x80; /* of no type there is */
		return FRAME_HEADER + len;
	}
	out[0] = noise_type();
	for (int i = 0; i < 4; i++)
		out[1 + i] = (uint8_t)(said >> (24 - 8 * i));
	return FRAME_HEADER + len;
}

/* What comes back is read to its end: an answer, an end, a reset. */
static void read_away(int fd)
{
	char mem[4096];

	while (fd_read(fd, mem, sizeof(mem)) > 0)
		;
	close(fd);
}

static int make_noise(const char *where, uint64_t seed)
{
	int fd = connect_where(where);
	uint8_t piece[FRAME_HEADER + 200];
	unsigned sent = 0;

	noise_state = seed;
	while (sent < 64 * 1024) {
		size_t len = noise_piece(piece);

		if (send(fd, piece, len, MSG_NOSIGNAL) != (ssize_t)len)
			break;
		sent += (unsigned)len;
	}
	shutdown(fd, SHUT_WR);
	read_away(fd);
	printf("noise %u\n", sent);
	return 0;
}

static size_t unhex(uint8_t *out, size_t room, const char *text)
{
	size_t n = 0;

	for (; n < room && sscanf(text, "%2hhx", &out[n]) == 1; text += 2)
		n++;
	return n;
}

static int cut(const char *where, const char *text)
{
	static uint8_t whole[CHUNK];
	size_t len = unhex(whole, sizeof(whole), text);

	for (size_t n = 0; n < len; n++) {
		int fd = connect_where(where);

		if (send(fd, whole, n, MSG_NOSIGNAL) != (ssize_t)n)
			fail("send");
		shutdown(fd, SHUT_WR);
		read_away(fd);
	}
	printf("cut %zu\n", len);
	return 0;
}

static int stuck(const char *where, unsigned count)
{
	static const uint8_t half[] = { FRAME_HEARTBEAT, 0, 0 };
	int fds[256];

	for (unsigned i = 0; i < count && i < 256; i++) {
		fds[i] = connect_where(where);
		if (fd_write_all(fds[i], half, sizeof(half)) < 0)
			fail("send");
	}
	printf("stuck %u\n", count);
	fflush(stdout);
	for (unsigned i = 0; i < count && i < 256; i++)
		read_away(fds[i]);
	printf("let go %u\n", count);
	return 0;
}

/* The request of whoever calls: what he says within a moment after the port has answered. */
static int heard(const char *where)
{
	static const char ok[] = "OK 1\n";
	int fd = accept_where(where);
	struct timeval moment = { .tv_usec = 300000 };
	uint8_t byte = 0;

	while (byte != '\n')
		if (fd_read(fd, &byte, 1) != 1)
			fail("no CONNECT");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
	if (fd_write_all(fd, ok, sizeof(ok) - 1) < 0)
		fail("answer");
	while (fd_read(fd, &byte, 1) == 1)
		printf("%02x", byte);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t bytes = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;

	if (argc == 4 && !strcmp(argv[1], "take"))
		return take(argv[2], bytes, 1);
	if (argc == 4 && !strcmp(argv[1], "eat"))
		return take(argv[2], bytes, 0);
	if (argc == 4 && !strcmp(argv[1], "give"))
		return give(argv[2], bytes, 1);
	if (argc == 4 && !strcmp(argv[1], "toss"))
		return give(argv[2], bytes, 0);
	if (argc == 4 && !strcmp(argv[1], "say"))
		return say(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "hex"))
		return hex(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "noise"))
		return make_noise(argv[2], bytes);
	if (argc == 4 && !strcmp(argv[1], "cut"))
		return cut(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "stuck"))
		return stuck(argv[2], (unsigned)bytes);
	if (argc == 4 && !strcmp(argv[1], "heard"))
		return heard(argv[2]);
	return with_messages(argc == 4 ? argv[1] : "", argc == 4 ? argv[2] : "", bytes);
}
