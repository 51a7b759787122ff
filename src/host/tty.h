/*
 * tty - our own terminal, lent to a command in the guest: raw while it is, and then as before.
 *
 * One place restores it, tty_restore(), and session_run() reaches it on every way out: all
 * signals that end a process arrive in its loop. SIGKILL alone leaves a terminal raw, for nobody
 * is left to restore it: `reset` or `stty sane` does.
 */
#ifndef HOST_TTY_H
#define HOST_TTY_H

#include <stdint.h>
#include <termios.h>

enum { TTY_ROWS = 24, TTY_COLS = 80 }; /* of a terminal whose size nobody knows */

struct tty {
	int keys; /* borrowed: stdin when it is a terminal, else -1 */
	int is_raw;
	struct termios before;
	uint16_t rows, cols; /* as last looked up */
};

/* Looks at stdin and stdout; changes nothing. */
void tty_init(struct tty *t);

/* Nonzero when stdin, stdout and stderr all are terminals: a person is there, and no stream is
 * asked for by itself. */
int tty_is_everywhere(void);

/* No echo, no lines, no signal keys, output untouched. In the background it stops us as it would
 * stop any job. Nothing when stdin is no terminal. */
void tty_raw(struct tty *t);

/* Undoes tty_raw(); may be called at any time. discard: what was typed and not yet read must not
 * become a shell's input here, for it was meant for the guest. */
void tty_restore(struct tty *t, int discard);

/* Looks the size up again. Nonzero when it has changed. */
int tty_resized(struct tty *t);

#endif
