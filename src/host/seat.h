/*
 * seat - where the person sits: our stdin, stdout and stderr, and our terminal when it is one.
 *
 * Back-pressure needs no buffers here: stdin is read only when it can be sent, and output that
 * we cannot write now stays where the connection's reader has it.
 */
#ifndef HOST_SEAT_H
#define HOST_SEAT_H

#include "host/detachkeys.h"
#include "host/input.h"
#include "host/outlet.h"
#include "host/tty.h"
#include "proto/exec.h"

struct seat {
	struct tty tty;
	int is_lent;		/* our terminal is the command's */
	struct detachkeys keys; /* that leave a lent one */
	int has_input;		/* the command is to have our stdin */
	struct input input;
	struct outlet outlets[2]; /* stdout, stderr */
};

/* Looks at the terminal; opens nothing. */
void seat_init(struct seat *s, const struct detachkeys *keys, int has_input);

/* input, output: as input_open() and outlet_open() have them; owner: of the outlets. 0 or a
 * negative errno. seat_close() undoes either, and leaves the terminal alone. */
int seat_open(struct seat *s, struct loop *l, void (*input)(struct watch *w, uint32_t events),
	      void (*output)(struct watch *w, uint32_t events), void *owner);
void seat_close(struct seat *s);

/* A line for the person, now. It must not block, and need not arrive. */
void seat_tell(struct seat *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Nonzero while some output is not taken. */
int seat_is_full(const struct seat *s);

/* Waits for room in those outlets that have none. */
void seat_want(struct seat *s);

/* What of the command's output has gone where it was to go. */
struct exec_seen seat_seen(const struct seat *s);

/* The connection has gone, and with it the output that was not taken: it was not seen. Nothing is
 * read until input_begin(). */
void seat_pause(struct seat *s);

/* Raw, with the detach keys; and once more when somebody else may have changed it. */
void seat_lend(struct seat *s);

#endif
