/*
 * consoled: who is at a guest's console, and what its serial receiver makes of it.
 */
#include "vmm/consoled.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "turn.h"
#include "vmm/layout.h"
#include "vmm/serial.h"

enum { DATA = PORT_COM1, IER, IIR, LCR, MCR, LSR };

static struct bus ports;
static struct loop loop;
static struct conline wire;
static struct serial uart;
static struct consoled *consoled;
static int console, irq;
static char path[64];

static void out(unsigned port, uint8_t v)
{
	bus_write(&ports, port, 1, v);
}

static uint8_t in(unsigned port)
{
	return (uint8_t)bus_read(&ports, port, 1);
}

/* fd: as consoled_start() takes it. */
static void up(int fd)
{
	ports.count = 0;
	loop = LOOP_INIT;
	console = memfd_create("console", MFD_CLOEXEC);
	irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	consoled = calloc(1, sizeof(*consoled));
	CHECK(loop_open(&loop) == 0);
	wire = (struct conline){ .out = -1 };
	CHECK(conline_open(&wire, console, &loop) == 0);
	serial_attach(&uart, &wire, irq, &ports);
	CHECK(consoled_start(consoled, &wire, &loop, fd) == 0);
	out(MCR, 8); /* OUT2: interrupts get through */
	out(IER, 1);
}

static void down(void)
{
	for (unsigned i = 0; i < CONSOLED_PEERS; i++)
		fd_close(&consoled->peer[i].watch.fd);
	fd_close(&consoled->word.fd);
	fd_close(&wire.linger.fd);
	loop_close(&loop);
	free(consoled);
	close(console);
	close(irq);
}

static int up_connected(void)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	up(pair[1]);
	return pair[0];
}

static void up_listening(void)
{
	struct err e = ERR_NONE;

	snprintf(path, sizeof(path), "/tmp/consoled.%d", (int)getpid());
	up(unix_listen(path, 64, &e));
}

static void down_listening(void)
{
	listener_close(&consoled->listener);
	unlink(path);
	down();
}

static int come(void)
{
	int fd = unix_connect(path, 1);

	CHECK(fd >= 0);
	turn(&loop);
	return fd;
}

static void say(const char *text)
{
	for (; *text; text++)
		out(DATA, (uint8_t)*text);
}

static int has_edge(void)
{
	uint64_t count = 0;

	return read(irq, &count, sizeof(count)) > 0;
}

/* As a driver does at an interrupt: all there is. */
static size_t guest_reads(char *text, size_t room)
{
	size_t n = 0;

	while (n < room && (in(LSR) & 1))
		text[n++] = (char)in(DATA);
	return n;
}

static int got(int fd, const char *want)
{
	char text[256] = "";
	ssize_t n;

	turn(&loop);
	n = read(fd, text, sizeof(text) - 1);
	return n == (ssize_t)strlen(want) && !strcmp(text, want);
}

static void what_is_typed_does_not_arrive(void)
{
	int fd = up_connected();
	char text[8] = "";

	CHECK(!has_edge() && (in(LSR) & 1) == 0 && (in(IIR) & 0xf) == 1);
	CHECK(write(fd, "abc", 3) == 3);
	turn(&loop);
	CHECK(has_edge() && (in(IIR) & 0xf) == 4 && (in(LSR) & 1));
	CHECK(guest_reads(text, sizeof(text)) == 3 && !memcmp(text, "abc", 3));
	CHECK((in(IIR) & 0xf) == 1 && in(DATA) == 0);
	close(fd);
	down();
}

/* A driver that opens the port later asks for interrupts when something is there already. */
static void what_came_early_is_never_told(void)
{
	int fd = up_connected();

	out(IER, 0);
	CHECK(write(fd, "x", 1) == 1);
	turn(&loop);
	CHECK(!has_edge());
	out(IER, 1);
	CHECK(has_edge() && in(DATA) == 'x');
	CHECK(write(fd, "yz", 2) == 2);
	turn(&loop);
	out(IIR, 7); /* FCR: both FIFOs are cleared */
	CHECK((in(LSR) & 1) == 0);
	close(fd);
	down();
}

static void more_than_the_receiver_holds_is_lost(void)
{
	int fd = up_connected();
	char sent[500], text[sizeof(sent)];
	size_t n = 0, before;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	CHECK(write(fd, sent, sizeof(sent)) == (ssize_t)sizeof(sent));
	do {
		turn(&loop);
		before = n;
		n += guest_reads(text + n, MIN(sizeof(text) - n, SERIAL_FIFO));
		CHECK(n - before <= SERIAL_FIFO);
	} while (n > before);
	CHECK(n == sizeof(sent) && !memcmp(text, sent, n));
	close(fd);
	down();
}

static void only_one_hears_the_guest(void)
{
	int a, b, c;

	up_listening();
	a = come();
	b = come();
	say("hello\n");
	CHECK(got(a, "hello\n") && got(b, "hello\n"));
	c = come();
	say("again");
	conline_flush(&wire);
	CHECK(got(a, "again") && got(b, "again") && got(c, "again"));
	close(a);
	close(b);
	close(c);
	turn(&loop);
	down_listening();
}

static void who_ends_typing_hears_no_more(void)
{
	int fd = up_connected();

	CHECK(write(fd, "q", 1) == 1 && shutdown(fd, SHUT_WR) == 0);
	turn(&loop);
	CHECK(in(DATA) == 'q');
	say("still here\n");
	CHECK(got(fd, "still here\n"));
	close(fd);
	down();
}

static void who_typed_and_left_is_not_heard(void)
{
	char sent[1000], text[sizeof(sent)];
	size_t n = 0, before;
	int fd;

	up_listening();
	memset(sent, 'x', sizeof(sent));
	fd = come();
	CHECK(write(fd, sent, sizeof(sent)) == (ssize_t)sizeof(sent));
	close(fd);
	do {
		turn(&loop);
		before = n;
		n += guest_reads(text + n, sizeof(text) - n);
	} while (n > before);
	CHECK(n == sizeof(sent) && !memcmp(text, sent, n));
	down_listening();
}

static void the_dead_keep_their_places(void)
{
	int fd[CONSOLED_PEERS], last;

	up_listening();
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < CONSOLED_PEERS; i++)
			fd[i] = come();
		for (unsigned i = 0; i < CONSOLED_PEERS; i++)
			close(fd[i]);
		turn(&loop);
	}
	last = come();
	say("anybody?\n");
	CHECK(got(last, "anybody?\n"));
	close(last);
	turn(&loop);
	down_listening();
}

/* Nobody waits for one who does not read; that he missed something he is told where it is missing. */
static void a_slow_reader_stops_the_guest_or_hears_a_part(void)
{
	static char text[4 << 20];
	int fd = up_connected();
	char line[32], *note, *last;
	size_t n = 0;
	ssize_t got_now;

	for (int i = 0; i < 60000; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		say(line);
		if (i % 1000 == 0)
			consoled_drain(consoled);
	}
	for (int quiet = 0; quiet < 2; quiet++)
		while (turn(&loop), (got_now = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
			n += (size_t)got_now;
	say("the end\n");
	turn(&loop);
	got_now = read(fd, text + n, sizeof(text) - 1 - n);
	n += got_now > 0 ? (size_t)got_now : 0;
	text[n] = '\0';
	note = strstr(text, " bytes were not read in time]");
	last = strstr(text, "the end\n");
	CHECK(strncmp(text, "line 0\nline 1\n", 14) == 0);
	CHECK(note && last && note < last);
	CHECK(!strstr(text, "line 59999\n"));
	close(fd);
	down();
}

int main(void)
{
	TEST(what_is_typed_does_not_arrive);
	TEST(what_came_early_is_never_told);
	TEST(more_than_the_receiver_holds_is_lost);
	TEST(only_one_hears_the_guest);
	TEST(who_ends_typing_hears_no_more);
	TEST(who_typed_and_left_is_not_heard);
	TEST(the_dead_keep_their_places);
	TEST(a_slow_reader_stops_the_guest_or_hears_a_part);
	return check_done();
}
