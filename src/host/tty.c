/*
 * tty - our own terminal, lent to a command in the guest: raw while it is, and then as before.
 */
#include "host/tty.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

void tty_init(struct tty *t)
{
	*t = (struct tty){ .keys = -1, .rows = TTY_ROWS, .cols = TTY_COLS };
	if (tcgetattr(STDIN_FILENO, &t->before) == 0)
		t->keys = STDIN_FILENO;
	tty_resized(t);
}

int tty_is_everywhere(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

/* A terminal that is not our controlling one knows no background. */
static int is_background(int fd)
{
	pid_t foreground = tcgetpgrp(fd);

	return foreground > 0 && foreground != getpgrp();
}

/* With SIGTTOU blocked the change would be made from the background, under the feet of whoever
 * has the terminal. */
static void set_as_a_job(int fd, const struct termios *to)
{
	sigset_t ttou, before;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_UNBLOCK, &ttou, &before);
	tcsetattr(fd, TCSANOW, to);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void tty_raw(struct tty *t)
{
	struct termios raw = t->before;

	if (t->keys < 0)
		return;
	cfmakeraw(&raw);
	/* Set before it is so: whatever happens in between is then undone. */
	t->is_raw = 1;
	set_as_a_job(t->keys, &raw);
}

void tty_restore(struct tty *t, int discard)
{
	if (!t->is_raw)
		return;
	t->is_raw = 0;
	if (!is_background(t->keys)) /* else the shell has set it for somebody else */
		tcsetattr(t->keys, discard ? TCSAFLUSH : TCSANOW, &t->before);
}

int tty_resized(struct tty *t)
{
	struct winsize w;
	uint16_t rows = TTY_ROWS, cols = TTY_COLS;
	int changed;

	if ((ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ||
	     ioctl(STDIN_FILENO, TIOCGWINSZ, &w) == 0) &&
	    w.ws_row > 0 && w.ws_col > 0) {
		rows = w.ws_row;
		cols = w.ws_col;
	}
	changed = rows != t->rows || cols != t->cols;
	t->rows = rows;
	t->cols = cols;
	return changed;
}
