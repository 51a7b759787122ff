/*
 * term - a person at a terminal, for the tests of what is interactive.
 *
 *	term [STEP]... -- CMD [ARG]...
 *
 * Runs CMD as a job on a pseudo terminal of 24 by 80 and takes one step after the other; each
 * waits for what it says, at most 20 seconds:
 *
 *	expect=TEXT     the terminal has shown TEXT, behind what was last expected
 *	type=TEXT       keys; \r, \n, \\ and \xHH are read as in C
 *	paste=FILE      the bytes of a file as keys
 *	size=ROWSxCOLS  the window is made so large
 *	signal=NUMBER   to CMD, and only to it
 *	stopped         CMD has stopped, and the terminal is as it was before
 *	raw             the terminal is raw
 *
 * At the end CMD is waited for. What was shown goes to stdout; the exit status is CMD's, or 128+n,
 * or 99 with a sentence on stderr when a step failed or the terminal was not left as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

enum { STEP_MS = 20000, SHOWN_MAX = 16 << 20, FAILED = 99 };

static int master, slave;
static pid_t job;
static struct termios before;
static char *shown;
static size_t shown_len, expected; /* bytes; those before `expected` were expected already */

static void finish(int code)
{
	(void)fd_write_all(STDOUT_FILENO, shown, shown_len);
	if (code == FAILED && job > 0)
		kill(job, SIGKILL);
	exit(code);
}

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "term: %s%s\n", what, detail);
	finish(FAILED);
}

/* What the terminal shows next, for at most some ms. Nonzero when something came. */
static int look(int ms)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	n = read(master, shown + shown_len, SHOWN_MAX - shown_len);
	if (n <= 0)
		return 0;
	shown_len += (size_t)n;
	return 1;
}

static int is_as_before(void)
{
	struct termios now;

	return tcgetattr(slave, &now) == 0 && now.c_iflag == before.c_iflag &&
	       now.c_oflag == before.c_oflag && now.c_lflag == before.c_lflag;
}

static int is_raw(void)
{
	struct termios now;

	return tcgetattr(slave, &now) == 0 && !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static int is_stopped(void)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)job, &si, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       si.si_pid == job && is_as_before();
}

static void wait_until(int (*is_so)(void), const char *what)
{
	int64_t end = clock_ms() + STEP_MS;

	while (!is_so()) {
		if (clock_ms() > end)
			fail("in vain: ", what);
		look(5);
	}
}

static void expect(const char *text)
{
	int64_t end = clock_ms() + STEP_MS;
	size_t len = strlen(text);
	char *at;

	while (!(at = memmem(shown + expected, shown_len - expected, text, len))) {
		if (clock_ms() > end)
			fail("not shown: ", text);
		look(100);
	}
	expected = (size_t)(at - shown) + len;
}

/* A terminal takes little at once, and only when what it shows is looked at. */
static void press(const char *keys, size_t len)
{
	int64_t end = clock_ms() + STEP_MS;

	while (len > 0) {
		struct pollfd p = { .fd = master, .events = POLLOUT | POLLIN };
		ssize_t n = -1;

		poll(&p, 1, 1000);
		if (p.revents & POLLIN)
			look(0);
		if (p.revents & POLLOUT)
			n = write(master, keys, MIN(len, 1024));
		if (n > 0) {
			keys += n;
			len -= (size_t)n;
			end = clock_ms() + STEP_MS;
		} else if (clock_ms() > end) {
			fail("it takes no more keys", "");
		}
	}
}

static void type(const char *text)
{
	static const struct {
		char letter, byte;
	} escapes[] = { { 'r', '\r' }, { 'n', '\n' }, { '\\', '\\' } };
	char keys[4096];
	size_t len = 0;

	for (; *text && len < sizeof(keys); text++) {
		char c = *text;
		unsigned hex;

		if (c == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &hex) == 1) {
			c = (char)hex;
			text += 3;
		} else if (c == '\\') {
			text++;
			for (size_t i = 0; i < COUNT(escapes); i++)
				if (escapes[i].letter == *text)
					c = escapes[i].byte;
		}
		keys[len++] = c;
	}
	press(keys, len);
}

static void paste(const char *path)
{
	static char bytes[4 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (n < 0)
		fail("cannot read ", path);
	close(fd);
	press(bytes, (size_t)n);
}

static void resize(const char *text)
{
	struct winsize w = { 0 };

	if (sscanf(text, "%hux%hu", &w.ws_row, &w.ws_col) != 2 || ioctl(master, TIOCSWINSZ, &w) < 0)
		fail("no such size: ", text);
}

static void take(const char *step)
{
	const char *value = strchr(step, '=');

	value = value ? value + 1 : "";
	if (!strncmp(step, "expect=", 7))
		expect(value);
	else if (!strncmp(step, "type=", 5))
		type(value);
	else if (!strncmp(step, "paste=", 6))
		paste(value);
	else if (!strncmp(step, "size=", 5))
		resize(value);
	else if (!strncmp(step, "signal=", 7))
		kill(job, atoi(value));
	else if (!strcmp(step, "stopped"))
		wait_until(is_stopped, step);
	else if (!strcmp(step, "raw"))
		wait_until(is_raw, step);
	else
		fail("no such step: ", step);
}

/* In a group of its own in the foreground, as a shell has it: whoever holds the session is us,
 * and so the terminal outlives the job. */
static void be_the_job(char **argv)
{
	signal(SIGTTOU, SIG_IGN);
	setpgid(0, 0);
	tcsetpgrp(slave, getpid());
	signal(SIGTTOU, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	dup2(slave, 0);
	dup2(slave, 1);
	dup2(slave, 2);
	close(slave);
	close(master);
	execvp(argv[0], argv);
	_exit(127);
}

static int ended(int *status)
{
	return waitpid(job, status, WNOHANG) == job;
}

int main(int argc, char **argv)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int64_t end;
	int i, status, first = 1;

	while (first < argc && strcmp(argv[first], "--") != 0)
		first++;
	shown = malloc(SHOWN_MAX);
	if (first + 1 >= argc || !shown) {
		fprintf(stderr, "usage: term [STEP]... -- CMD [ARG]...\n");
		return 2;
	}
	setsid();
	if (openpty(&master, &slave, NULL, NULL, &size) < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		fail("no terminal: ", strerror(errno));
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	tcgetattr(slave, &before);
	job = fork();
	if (job == 0)
		be_the_job(argv + first + 1);
	for (i = 1; i < first; i++)
		take(argv[i]);
	for (end = clock_ms() + STEP_MS; !ended(&status); look(5))
		if (clock_ms() > end)
			fail("it does not end", "");
	while (look(0))
		;
	if (!is_as_before())
		fail("the terminal is not as it was before", "");
	finish(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
