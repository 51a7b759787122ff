/*
 * Our terminal, lent to a command in the guest: a session on a pseudo terminal, the guest being
 * played by hand. On every way out the terminal must be as it was before.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "fake_guest.h"
#include "host/session.h"

enum { ROWS = 33, COLS = 101 };

static const struct winsize first_size = { .ws_row = ROWS, .ws_col = COLS };

struct scene {
	int master, slave; /* of the terminal */
	struct fake_guest guest;
	pid_t pid; /* of the session */
	struct termios before;
};

static struct scene scene;

/* --- the session, in a process that has the terminal --- */

struct cast {
	int is_attached; /* and not started */
	int without_tty; /* the guest's command has none */
	int out;	 /* its stdout, when that is not the terminal */
	int pipe_in;	 /* its stdin, likewise */
	unsigned timeout_ms;
	uint32_t window;
};

static int play(int fd, const struct cast *cast)
{
	static struct exec_req q = { .flags = EXEC_STDIN | EXEC_TTY,
				     .id = "s1",
				     .user = "",
				     .cwd = "",
				     .rows = 24,
				     .cols = 80,
				     .argc = 1,
				     .argv = { "sh" } };
	static const struct exec_attach a = { "s1", 0, 0, 0, 0 };
	struct session_how how = { .timeout_ms = cast->timeout_ms };
	struct session_end end;
	struct err e = ERR_NONE;
	int rc;

	if (cast->is_attached)
		how.attach = &a;
	else
		how.start = &q;
	detachkeys_parse(&how.keys, DETACHKEYS_DEFAULT, &e);
	rc = session_run(fd, &how, &end, &e);
	return rc < 0 ? e.exit : end.was_left ? 100 + rc : rc;
}

static void be_the_session(int fd, const struct cast *cast)
{
	setsid();
	ioctl(scene.slave, TIOCSCTTY, 0);
	dup2(cast->pipe_in ? cast->pipe_in : scene.slave, 0);
	dup2(cast->out ? cast->out : scene.slave, 1);
	dup2(scene.slave, 2);
	close(scene.master);
	_exit(play(fd, cast));
}

/* Up to the moment the terminal is raw: that is when its size is told. */
static void open_scene(const struct cast *cast)
{
	const struct exec_started started = { .pid = 7,
					      .id = "s1",
					      .tty = !cast->without_tty,
					      .attached = cast->is_attached != 0,
					      .window = cast->window };
	int pair[2];

	CHECK(openpty(&scene.master, &scene.slave, NULL, NULL, &first_size) == 0);
	CHECK(tcgetattr(scene.slave, &scene.before) == 0);
	fcntl(scene.master, F_SETFD, FD_CLOEXEC);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	guest_open(&scene.guest, pair[0]);
	scene.pid = fork();
	if (scene.pid == 0) {
		close(pair[0]);
		fd_nonblock(pair[1]);
		be_the_session(pair[1], cast);
	}
	close(pair[1]);
	if (cast->is_attached)
		guest_hears(&scene.guest, FRAME_SEEN);
	guest_hears(&scene.guest, cast->is_attached ? FRAME_ATTACH : FRAME_EXEC);
	guest_starts(&scene.guest, &started);
}

static int is_size(struct frame f, uint16_t rows, uint16_t cols)
{
	uint16_t r = 0, c = 0;

	return exec_size_decode(&r, &c, f.data, f.len) == 0 && r == rows && c == cols;
}

static int is_as_before(void)
{
	struct termios now;

	return tcgetattr(scene.slave, &now) == 0 && now.c_iflag == scene.before.c_iflag &&
	       now.c_oflag == scene.before.c_oflag && now.c_cflag == scene.before.c_cflag &&
	       now.c_lflag == scene.before.c_lflag &&
	       !memcmp(now.c_cc, scene.before.c_cc, sizeof(now.c_cc));
}

static int is_raw(void)
{
	struct termios now;

	return tcgetattr(scene.slave, &now) == 0 &&
	       !(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) && !(now.c_oflag & OPOST) &&
	       !(now.c_iflag & (ICRNL | IXON));
}

static int exit_code(void)
{
	int status;

	if (waitpid(scene.pid, &status, 0) != scene.pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void close_scene(void)
{
	guest_close(&scene.guest);
	close(scene.master);
	close(scene.slave);
}

static void type(const char *keys)
{
	CHECK(write(scene.master, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

/* --- ways out --- */

static void command_ends(void)
{
	guest_exits(&scene.guest, 42);
}

static void guest_crashes(void)
{
	guest_close(&scene.guest);
}

static void guest_talks_nonsense(void)
{
	frame_send(scene.guest.fd, 0x7f, "x", 1);
}

static void somebody_takes_over(void)
{
	guest_refuses(&scene.guest, REFUSED_TAKEN_OVER, "somebody else");
}

static void keys_are_typed(void)
{
	type("\x10\x11");
	guest_is_told(&scene.guest, "\x10", 1);
	guest_hears(&scene.guest, FRAME_DETACH);
	guest_close(&scene.guest);
}

static void terminate(void)
{
	kill(scene.pid, SIGTERM);
}

static void hang_up(void)
{
	kill(scene.pid, SIGHUP);
}

static void interrupt(void)
{
	kill(scene.pid, SIGINT);
}

static void quit(void)
{
	kill(scene.pid, SIGQUIT);
}

static void print(void)
{
	guest_prints(&scene.guest, "x");
}

static void time_passes(void)
{
	guest_hears(&scene.guest, FRAME_SIGNAL);
	guest_exits(&scene.guest, 0);
}

static void attached_is_terminated(void)
{
	kill(scene.pid, SIGTERM);
	guest_hears(&scene.guest, FRAME_DETACH);
	guest_close(&scene.guest);
}

static void a_way_out_leaves_the_terminal_raw(void)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct {
		const char *why;
		void (*way)(void);
		int code; /* 100 more when it was left */
		struct cast cast;
	} ways[] = {
		{ "the command ends", command_ends, 42, { 0 } },
		{ "the guest crashes", guest_crashes, 125, { 0 } },
		{ "the guest talks nonsense", guest_talks_nonsense, 125, { 0 } },
		{ "somebody takes over", somebody_takes_over, 125, { 0 } },
		{ "detach keys", keys_are_typed, 100, { .window = 100 } },
		{ "SIGTERM", terminate, 128 + SIGTERM, { 0 } },
		{ "SIGHUP", hang_up, 128 + SIGHUP, { 0 } },
		{ "SIGINT", interrupt, 128 + SIGINT, { 0 } },
		{ "SIGQUIT", quit, 128 + SIGQUIT, { 0 } },
		{ "our stdout is full", print, 125, { .out = full } },
		{ "its time passes", time_passes, 124, { .timeout_ms = 50 } },
		{ "SIGTERM while attached",
		  attached_is_terminated,
		  100 + 128 + SIGTERM,
		  { .is_attached = 1 } },
	};

	for (size_t i = 0; i < COUNT(ways); i++) {
		int code, was_raw;

		open_scene(&ways[i].cast);
		CHECK(is_size(guest_hears(&scene.guest, FRAME_RESIZE), ROWS, COLS));
		was_raw = is_raw();
		ways[i].way();
		code = exit_code();
		if (code != ways[i].code || !was_raw || !is_as_before())
			printf("# %s: code %d, raw %d, restored %d\n", ways[i].why, code, was_raw,
			       is_as_before());
		CHECK(code == ways[i].code && was_raw && is_as_before());
		close_scene();
	}
	close(full);
}

/* Before the command runs, and for one that has no terminal, ours is not touched. */
static void a_terminal_is_made_raw_for_nothing(void)
{
	const struct cast pipes = { .without_tty = 1, .window = 100 };

	open_scene(&pipes);
	type("a line\n");
	guest_is_told(&scene.guest, "a line\n", 7);
	CHECK(is_as_before());
	type("\x10\x16\x11\n"); /* ctrl-v: the line discipline is not to take ctrl-q itself */
	guest_is_told(&scene.guest, "\x10\x11\n", 3);
	guest_exits(&scene.guest, 3);
	CHECK(exit_code() == 3);
	close_scene();
}

static void suspension_leaves_the_terminal_raw(void)
{
	const struct winsize other = { .ws_row = 50, .ws_col = 132 };
	const struct cast cast = { .window = 100 };
	int status;

	open_scene(&cast);
	guest_hears(&scene.guest, FRAME_RESIZE);
	kill(scene.pid, SIGTSTP);
	CHECK(waitpid(scene.pid, &status, WUNTRACED) == scene.pid && WIFSTOPPED(status));
	CHECK(is_as_before());
	ioctl(scene.master, TIOCSWINSZ, &other);
	kill(scene.pid, SIGCONT);
	CHECK(is_size(guest_hears(&scene.guest, FRAME_RESIZE), 50, 132));
	CHECK(is_raw());
	guest_exits(&scene.guest, 0);
	CHECK(exit_code() == 0 && is_as_before());
	close_scene();
}

/* A SIGSTOP is not seen coming: the shell makes the terminal its own, and gives it back. */
static void a_stop_from_outside_is_not_recovered_from(void)
{
	const struct cast cast = { .window = 100 };
	int status;

	open_scene(&cast);
	guest_hears(&scene.guest, FRAME_RESIZE);
	kill(scene.pid, SIGSTOP);
	CHECK(waitpid(scene.pid, &status, WUNTRACED) == scene.pid && WIFSTOPPED(status));
	tcsetattr(scene.slave, TCSANOW, &scene.before);
	kill(scene.pid, SIGCONT);
	CHECK(is_size(guest_hears(&scene.guest, FRAME_RESIZE), ROWS, COLS));
	CHECK(is_raw());
	guest_close(&scene.guest);
	CHECK(exit_code() == 125 && is_as_before());
	close_scene();
}

static void a_new_size_is_not_told(void)
{
	const struct winsize other = { .ws_row = 10, .ws_col = 20 };
	const struct cast cast = { .window = 100 };

	open_scene(&cast);
	guest_hears(&scene.guest, FRAME_RESIZE);
	ioctl(scene.master, TIOCSWINSZ, &other);
	CHECK(is_size(guest_hears(&scene.guest, FRAME_RESIZE), 10, 20));
	guest_exits(&scene.guest, 0);
	CHECK(exit_code() == 0);
	close_scene();
}

static void bytes_are_read_as_signals_or_lines(void)
{
	static const char keys[] = "\x03\x1a\x1c\x04\x13\x11\r\n\x7f\xc3\xa9";
	const struct cast cast = { .window = 1000 };
	char seen[8];

	open_scene(&cast);
	guest_hears(&scene.guest, FRAME_RESIZE);
	type(keys);
	guest_is_told(&scene.guest, keys, sizeof(keys) - 1);
	guest_prints(&scene.guest, "a\nb\r\n");
	CHECK(fd_read_all(scene.master, seen, 5) == 0 && !memcmp(seen, "a\nb\r\n", 5));
	guest_exits(&scene.guest, 0);
	CHECK(exit_code() == 0);
	close_scene();
}

/* A session that takes no input is the one a person most wants to leave. */
static void a_stuck_session_cannot_be_left(void)
{
	const struct cast cast = { .window = 0 };

	open_scene(&cast);
	guest_hears(&scene.guest, FRAME_RESIZE);
	type("help\x03\x10\x11");
	guest_hears(&scene.guest, FRAME_DETACH);
	guest_close(&scene.guest);
	CHECK(exit_code() == 100 && is_as_before());
	close_scene();
}

/* What was typed for the guest must not be read by the shell that we came from. */
static void typed_ahead_becomes_a_command_here(void)
{
	const struct cast cast = { .window = 0 };
	int waiting = -1;

	open_scene(&cast);
	guest_hears(&scene.guest, FRAME_RESIZE);
	kill(scene.pid, SIGSTOP);
	waitpid(scene.pid, NULL, WUNTRACED);
	type("rm -rf precious\n");
	guest_close(&scene.guest);
	kill(scene.pid, SIGCONT);
	CHECK(exit_code() == 125 && is_as_before());
	CHECK(ioctl(scene.slave, FIONREAD, &waiting) == 0 && waiting == 0);
	close_scene();
}

/* A pipe into a terminal of the guest's: its end is said, and our terminal left alone. */
static void a_pipe_needs_a_terminal(void)
{
	struct cast cast = { .window = 1000 };
	int p[2];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	cast.pipe_in = p[0];
	CHECK(write(p[1], "exit 5\n", 7) == 7);
	close(p[1]);
	open_scene(&cast);
	close(p[0]);
	guest_hears(&scene.guest, FRAME_RESIZE);
	guest_is_told(&scene.guest, "exit 5\n", 7);
	CHECK(guest_hears(&scene.guest, FRAME_STDIN).len == 0);
	CHECK(is_as_before());
	guest_exits(&scene.guest, 5);
	CHECK(exit_code() == 5);
	close_scene();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	alarm(60); /* a frame that never comes is a failure */
	TEST(a_way_out_leaves_the_terminal_raw);
	TEST(a_terminal_is_made_raw_for_nothing);
	TEST(suspension_leaves_the_terminal_raw);
	TEST(a_stop_from_outside_is_not_recovered_from);
	TEST(a_new_size_is_not_told);
	TEST(bytes_are_read_as_signals_or_lines);
	TEST(a_stuck_session_cannot_be_left);
	TEST(typed_ahead_becomes_a_command_here);
	TEST(a_pipe_needs_a_terminal);
	return check_done();
}
