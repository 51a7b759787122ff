/*
 * terminal - a pseudo terminal: pty(7), devpts.
 */
#include "guest/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int terminal_resize(int master, uint16_t rows, uint16_t cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	return ioctl(master, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* The slave is asked of the master and not opened by its name: /dev/pts may be another one. */
static int open_slave(struct terminal *t, uint16_t rows, uint16_t cols, uid_t uid)
{
	if (fd_nonblock(t->master) < 0 || unlockpt(t->master) < 0)
		return -errno;
	t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->slave < 0)
		return -errno;
	/* An ordinary user's agent cannot give it away, and runs commands of his own only. */
	if (fchown(t->slave, uid, (gid_t)-1) < 0 && uid != geteuid())
		return -errno;
	return terminal_resize(t->master, rows, cols);
}

int terminal_open(struct terminal *t, uint16_t rows, uint16_t cols, uid_t uid)
{
	int rc;

	*t = TERMINAL_CLOSED;
	t->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	rc = t->master < 0 ? -errno : open_slave(t, rows, cols, uid);
	if (rc < 0) {
		fd_close(&t->slave);
		fd_close(&t->master);
	}
	return rc;
}

int terminal_take(void)
{
	return ioctl(0, TIOCSCTTY, 0) < 0 ? errno : 0;
}

pid_t terminal_foreground(int master)
{
	pid_t group = tcgetpgrp(master);

	return group > 0 ? group : 0;
}

int terminal_eof(int master)
{
	struct termios t;

	if (tcgetattr(master, &t) < 0 || !(t.c_lflag & ICANON))
		return -1;
	return t.c_cc[VEOF] == _POSIX_VDISABLE ? -1 : t.c_cc[VEOF];
}
