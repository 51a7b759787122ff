/*
 * terminal - a pseudo terminal: pty(7), devpts.
 *
 * The master is the session's, the slave the command's. We keep the slave open as well for as
 * long as the command runs: else a command that closes its terminal for a moment (and opens
 * /dev/tty later) would hang it up, as the master then reads EIO.
 */
#ifndef GUEST_TERMINAL_H
#define GUEST_TERMINAL_H

#include <stdint.h>
#include <sys/types.h>

struct terminal {
	int master; /* non-blocking; -1 while closed */
	int slave;  /* not our controlling terminal; -1 while closed */
};

#define TERMINAL_CLOSED ((struct terminal){ -1, -1 })

/* With a size, and owned by `uid`. 0, both then the caller's; or a negative errno: -ENOENT,
 * -ENODEV or -ENXIO where there are no terminals, -ENOSPC when all are taken. */
int terminal_open(struct terminal *t, uint16_t rows, uint16_t cols, uid_t uid);

/* In a child that leads its session and has the slave as stdin: makes it the controlling
 * terminal. 0 or an errno. Async-signal-safe. */
int terminal_take(void);

/* Tells the foreground group by SIGWINCH. 0 or a negative errno. */
int terminal_resize(int master, uint16_t rows, uint16_t cols);

/* The foreground process group; 0 when there is none. */
pid_t terminal_foreground(int master);

/* The character that means end of input, while there is such a thing (canonical mode); else -1. */
int terminal_eof(int master);

#endif
