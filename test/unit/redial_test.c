/*
 * A connection that breaks under a command and comes back: the guest is played by hand behind a
 * socket of the vsock dialect. Not one byte may be lost or come twice, either way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "fake_guest.h"
#include "host/dial.h"
#include "host/session.h"

enum { TEXT = 4096 };

static struct target target = { .name = "web", .vsock = "/tmp/redial_test.XXXXXX.sock", .dir = -1 };
static struct fake_guest guest;
static int listener = -1;

static void go_up(void)
{
	struct err e = ERR_NONE;

	listener = unix_listen(target.vsock, 16, &e);
	CHECK(listener >= 0);
}

static void go_down(void)
{
	guest_close(&guest);
	fd_close(&listener);
	unlink(target.vsock);
}

static void answer(const char *with)
{
	char line[64] = "";
	int fd;

	CHECK(poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, 10000) == 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	for (size_t i = 0; i < sizeof(line) - 1 && fd_read(fd, line + i, 1) == 1; i++)
		if (line[i] == '\n')
			break;
	CHECK(!strcmp(line, "CONNECT 4089\n"));
	CHECK(fd_write_all(fd, with, strlen(with)) == 0);
	guest_open(&guest, fd);
}

/* --- the session --- */

struct client {
	pid_t pid;
	int out, err; /* files */
	int in;	      /* the writing end of its stdin */
};

static int play(unsigned hold_ms)
{
	static struct exec_req q = { .flags = EXEC_STDIN,
				     .policy = EXEC_HOLD,
				     .id = "x1",
				     .user = "",
				     .cwd = "",
				     .argc = 1,
				     .argv = { "cat" } };
	const struct session_how how = {
		.start = &q, .target = &target, .port = 4089, .hold_ms = hold_ms
	};
	struct session_end end;
	struct err e = ERR_NONE;
	int fd = dial_vsock(target.vsock, 4089, clock_ms() + 5000, &e), rc;

	q.hold_ms = hold_ms;
	rc = session_run(fd, &how, &end, &e);
	if (rc < 0)
		dprintf(2, "%s\n", e.text);
	return rc < 0 ? e.exit : rc;
}

static struct client start_on(int out, unsigned hold_ms)
{
	struct client c = { .out = out, .err = memfd_create("err", MFD_CLOEXEC) };
	int p[2];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	c.in = p[1];
	c.pid = fork();
	if (c.pid == 0) {
		dup2(p[0], 0);
		dup2(c.out, 1);
		dup2(c.err, 2);
		close(p[1]);
		close(listener);
		_exit(play(hold_ms));
	}
	close(p[0]);
	return c;
}

static struct client start(unsigned hold_ms)
{
	return start_on(memfd_create("out", MFD_CLOEXEC), hold_ms);
}

static int exit_code(struct client *c)
{
	int status;

	fd_close(&c->in);
	if (waitpid(c->pid, &status, 0) != c->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static const char *text_of(int fd)
{
	static char text[TEXT];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

static void wait_for_bytes(int fd, off_t count)
{
	while (lseek(fd, 0, SEEK_END) < count)
		usleep(1000);
}

static void hear_seen(uint64_t out)
{
	struct exec_seen seen = { 0 };
	struct frame f = guest_hears(&guest, FRAME_SEEN);

	CHECK(exec_seen_decode(&seen, f.data, f.len) == 0 && seen.out == out && seen.err == 0);
}

/* Nothing of the request: who has heard of the session asks for it by its id. */
static void hear_attach(uint64_t out_seen)
{
	struct exec_attach a = { 0 };
	struct frame f;

	hear_seen(0); /* says that we do so: by this rule nothing is forgotten */
	f = guest_hears(&guest, FRAME_ATTACH);
	CHECK(exec_attach_decode(&a, f.data, f.len) == 0);
	CHECK(a.id && !strcmp(a.id, "x1") && a.out_seen == out_seen && a.err_seen == 0);
}

static void say_started(uint64_t out_at, uint64_t in_at, uint32_t window)
{
	const struct exec_started s = { .pid = 7,
					.id = "x1",
					.attached = out_at > 0,
					.out_at = out_at,
					.in_at = in_at,
					.window = window };

	guest_starts(&guest, &s);
}

static void say_window(uint8_t more)
{
	const uint8_t be[4] = { 0, 0, 0, more };

	CHECK(frame_send(guest.fd, FRAME_STDIN_WINDOW, be, sizeof(be)) == 0);
}

static void hear_of_it(void)
{
	answer("OK 1\n");
	hear_seen(0);
	guest_hears(&guest, FRAME_EXEC);
	say_started(0, 0, EXEC_WINDOW);
}

/* A command that has begun. */
static struct client begin(unsigned hold_ms)
{
	struct client c;

	go_up();
	c = start(hold_ms);
	hear_of_it();
	return c;
}

/* --- cases --- */

static int is_read(int fd, const uint8_t *want, size_t len)
{
	static uint8_t got[2 * FRAME_CHUNK];

	return fd_read_until(fd, got, len, clock_ms() + 5000) == 0 && !memcmp(got, want, len);
}

/* What follows a long frame goes to a pipe by itself; it is cut in the middle, and goes on there. */
static void half_a_long_frame_is_counted_wrongly(void)
{
	enum { CUT = 40000 };
	static uint8_t bytes[2 * FRAME_CHUNK];
	uint8_t head[FRAME_HEADER];
	struct client c;
	int out[2];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	CHECK(pipe2(out, O_CLOEXEC) == 0);
	go_up();
	c = start_on(out[1], 20000);
	close(out[1]);
	hear_of_it();
	CHECK(frame_send(guest.fd, FRAME_STDOUT, bytes, FRAME_CHUNK) == 0);
	CHECK(is_read(out[0], bytes, FRAME_CHUNK));
	frame_header(head, FRAME_STDOUT, FRAME_CHUNK);
	CHECK(fd_write_all(guest.fd, head, sizeof(head)) == 0);
	CHECK(fd_write_all(guest.fd, bytes + FRAME_CHUNK, CUT) == 0);
	CHECK(is_read(out[0], bytes + FRAME_CHUNK, CUT));
	guest_close(&guest);
	answer("OK 2\n");
	hear_attach(FRAME_CHUNK + CUT);
	say_started(FRAME_CHUNK + CUT, 0, EXEC_WINDOW);
	CHECK(frame_send(guest.fd, FRAME_STDOUT, bytes + FRAME_CHUNK + CUT, FRAME_CHUNK - CUT) == 0);
	guest_exits(&guest, 7);
	CHECK(is_read(out[0], bytes + FRAME_CHUNK + CUT, FRAME_CHUNK - CUT));
	CHECK(exit_code(&c) == 7);
	CHECK(read(out[0], head, 1) == 0);
	close(out[0]);
	close(c.err);
	go_down();
}

static void bytes_are_lost_with_the_connection(void)
{
	struct client c = begin(20000);
	const char *said;

	CHECK(write(c.in, "0123456789", 10) == 10);
	guest_is_told(&guest, "0123456789", 10);
	say_window(4); /* the command has read so much */
	guest_prints(&guest, "hello ");
	guest_prints(&guest, "wide ");
	wait_for_bytes(c.out, 11);
	go_down();
	CHECK(write(c.in, "abc", 3) == 3);
	go_up();
	answer("OK 2\n");
	hear_attach(11);
	/* Of the ten bytes only seven came, of which the command has read four. */
	say_started(11, 7, EXEC_WINDOW - 3);
	guest_is_told(&guest, "789abc", 6);
	fd_close(&c.in);
	CHECK(guest_hears(&guest, FRAME_STDIN).len == 0);
	/* And once more, now that its end was said too. */
	go_down();
	go_up();
	answer("OK 3\n");
	hear_attach(11);
	say_started(11, 12, EXEC_WINDOW);
	guest_is_told(&guest, "c", 1);
	CHECK(guest_hears(&guest, FRAME_STDIN).len == 0);
	guest_prints(&guest, "world");
	guest_exits(&guest, 5);
	CHECK(exit_code(&c) == 5);
	CHECK(!strcmp(text_of(c.out), "hello wide world"));
	said = text_of(c.err);
	CHECK(strstr(said, "web: the connection is lost") && strstr(said, "web: back after"));
	CHECK(!strstr(said, "not kept"));
	go_down();
}

/* Nobody knows whether the request arrived: it is repeated, and its id makes it the same. */
static void a_start_is_lost_with_the_connection(void)
{
	struct client c;
	struct frame f;
	static struct exec_req q;

	go_up();
	c = start(20000);
	answer("OK 1\n");
	hear_seen(0);
	guest_hears(&guest, FRAME_EXEC);
	guest_close(&guest);
	answer("OK 2\n");
	hear_seen(0);
	f = guest_hears(&guest, FRAME_EXEC);
	CHECK(exec_req_decode(&q, f.data, f.len) == 0 && !strcmp(q.id, "x1"));
	say_started(0, 0, EXEC_WINDOW);
	guest_exits(&guest, 6);
	CHECK(exit_code(&c) == 6);
	close(c.out);
	close(c.err);
	go_down();
}

static void a_gap_is_not_said(void)
{
	struct client c = begin(20000);

	guest_close(&guest);
	answer("OK 2\n");
	hear_attach(0);
	say_started(1000, 0, EXEC_WINDOW);
	guest_prints(&guest, "rest");
	guest_exits(&guest, 0);
	CHECK(exit_code(&c) == 0);
	CHECK(!strcmp(text_of(c.out), "rest"));
	CHECK(strstr(text_of(c.err), "1000 bytes of output are not kept"));
	go_down();
}

/* What a guest that comes back may not say. */
static void a_second_beginning_is_believed(void)
{
	static const struct {
		const char *why;
		uint64_t out_at, in_at;
	} cases[] = {
		{ "output again", 3, 10 },
		{ "input that was never sent", 5, 11 },
		{ "input that it had taken", 5, 3 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct client c = begin(20000);
		int code;

		CHECK(write(c.in, "0123456789", 10) == 10);
		guest_is_told(&guest, "0123456789", 10);
		say_window(4);
		guest_prints(&guest, "12345");
		wait_for_bytes(c.out, 5);
		guest_close(&guest);
		answer("OK 2\n");
		hear_attach(5);
		say_started(cases[i].out_at, cases[i].in_at, EXEC_WINDOW);
		code = exit_code(&c);
		if (code != 125)
			printf("# %s: %d\n", cases[i].why, code);
		CHECK(code == 125);
		close(c.out);
		close(c.err);
		go_down();
	}
}

static void it_is_tried_for_ever(void)
{
	struct client c = begin(300);
	int64_t began = clock_ms();

	go_down();
	CHECK(exit_code(&c) == 125 && clock_ms() - began >= 300 && clock_ms() - began < 10000);
	CHECK(strstr(text_of(c.err), "the connection to the VM ended"));
	close(c.out);
}

/* Takes every connection and breaks it within its first frame, until the client has had enough or
 * most_ms have passed. The exit code, or -1. */
static int break_every_connection(struct client *c, int64_t most_ms)
{
	static const uint8_t half[] = { FRAME_STDOUT, 0, 1, 0, 0, 'x' };
	const int64_t until = clock_ms() + most_ms;
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int status;

	while (waitpid(c->pid, &status, WNOHANG) == 0 && clock_ms() < until) {
		if (poll(&p, 1, 20) != 1)
			continue;
		answer("OK 2\n");
		hear_attach(0);
		say_started(0, 0, EXEC_WINDOW);
		CHECK(fd_write_all(guest.fd, half, sizeof(half)) == 0);
		guest_close(&guest);
	}
	return clock_ms() < until ? WEXITSTATUS(status) : -1;
}

/* A frame that is longer than what ever comes through at a time. */
static void a_line_that_carries_nothing_is_tried_for_ever(void)
{
	struct client c = begin(500);
	int64_t began = clock_ms();
	const char *said;

	guest_close(&guest);
	CHECK(break_every_connection(&c, 10000) == 125);
	CHECK(clock_ms() - began >= 500);
	close(c.in);
	close(c.out);
	said = text_of(c.err);
	CHECK(strstr(said, "breaks again and again"));
	said = strstr(said, "connection is lost");
	CHECK(said && !strstr(said + 1, "connection is lost")); /* it is one loss, said once */
	go_down();
}

/* Each time some byte, or a time of quiet: that is what it was for. */
static void a_line_that_carries_little_is_given_up(void)
{
	enum { HOLD = 200, ROUNDS = 4 };
	struct client c = begin(HOLD);

	for (int i = 0; i < ROUNDS; i++) {
		usleep(HOLD * 1000 * 2 / 3);
		guest_prints(&guest, "x");
		wait_for_bytes(c.out, i + 1);
		guest_close(&guest);
		answer("OK 2\n");
		hear_attach((uint64_t)i + 1);
		say_started((uint64_t)i + 1, 0, EXEC_WINDOW);
	}
	for (int i = 0; i < ROUNDS; i++) {
		usleep(HOLD * 1000 * 3 / 2);
		guest_close(&guest);
		answer("OK 2\n");
		hear_attach(ROUNDS);
		say_started(ROUNDS, 0, EXEC_WINDOW);
	}
	guest_exits(&guest, 9);
	CHECK(exit_code(&c) == 9);
	close(c.out);
	close(c.err);
	go_down();
}

static void a_session_that_is_gone_looks_like_no_command(void)
{
	struct client c = begin(20000);

	guest_close(&guest);
	answer("OK 2\n");
	hear_attach(0);
	guest_refuses(&guest, REFUSED_NOT_FOUND, "x1: no such session");
	CHECK(exit_code(&c) == 125); /* and not 127 */
	CHECK(strstr(text_of(c.err), "no such session"));
	close(c.out);
	go_down();
}

/* A server that answers nonsense, and one that takes connections only to drop them. */
static void a_broken_server_ends_the_trying(void)
{
	struct client c = begin(20000);

	guest_close(&guest);
	answer("NO\n");
	guest_close(&guest);
	answer("OK 2\n");
	guest_close(&guest);
	answer("OK 3\n");
	hear_attach(0);
	say_started(0, 0, EXEC_WINDOW);
	guest_exits(&guest, 8);
	CHECK(exit_code(&c) == 8);
	close(c.out);
	close(c.err);
	go_down();
}

/* A guest that hears nothing of what we have stops the command when its memory is full. */
static void what_is_seen_is_not_said(void)
{
	static uint8_t chunk[EXEC_KEPT / 4];
	struct client c = begin(20000);

	for (int i = 1; i <= 8; i++) {
		CHECK(frame_send(guest.fd, FRAME_STDOUT, chunk, sizeof(chunk)) == 0);
		hear_seen((uint64_t)i * sizeof(chunk));
	}
	guest_exits(&guest, 0);
	CHECK(exit_code(&c) == 0);
	close(c.out);
	close(c.err);
	go_down();
}

static void a_held_session_holds_its_user(void)
{
	struct client c = begin(20000);
	int64_t began;

	go_down();
	wait_for_bytes(c.err, 1); /* it says that it has noticed */
	began = clock_ms();
	CHECK(kill(c.pid, SIGINT) == 0);
	CHECK(exit_code(&c) == 130 && clock_ms() - began < 10000);
	close(c.out);
	close(c.err);
}

int main(void)
{
	int fd = mkstemps(target.vsock, 5);

	close(fd);
	unlink(target.vsock);
	signal(SIGPIPE, SIG_IGN);
	alarm(60); /* a frame that never comes is a failure */
	guest.fd = -1;
	TEST(bytes_are_lost_with_the_connection);
	TEST(half_a_long_frame_is_counted_wrongly);
	TEST(a_start_is_lost_with_the_connection);
	TEST(a_gap_is_not_said);
	TEST(a_second_beginning_is_believed);
	TEST(it_is_tried_for_ever);
	TEST(a_line_that_carries_nothing_is_tried_for_ever);
	TEST(a_line_that_carries_little_is_given_up);
	TEST(a_session_that_is_gone_looks_like_no_command);
	TEST(a_broken_server_ends_the_trying);
	TEST(what_is_seen_is_not_said);
	TEST(a_held_session_holds_its_user);
	unlink(target.vsock);
	return check_done();
}
