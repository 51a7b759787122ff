/*
 * intake - what is on its way to a command's stdin, or its terminal.
 *
 * The sender may send as much as fits: his window is the room that is left. It opens again in
 * steps that are worth a frame, when the command has taken the bytes. So nobody waits for a
 * command that does not read, and nothing is lost.
 */
#ifndef GUEST_INTAKE_H
#define GUEST_INTAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/end.h"
#include "base/fifo.h"

struct intake {
	struct end end; /* the write end, or the terminal's master */
	int tty;
	struct fifo held; /* what the command has not taken yet */
	uint32_t window;  /* bytes that may still be sent */
	uint32_t taken;	  /* bytes gone since the window was last opened */
	uint64_t came;	  /* bytes sent so far */
	int has_ended;	  /* the sender said so */
	int is_busy;	  /* its pipe was full once */
	int eof_written;
	uint8_t last; /* the byte that came last */
};

/* Closed. mem is room for the window; ready() is to call intake_feed(). */
void intake_init(struct intake *in, struct loop *l, void *mem, size_t cap,
		 void (*ready)(struct watch *w, uint32_t events));

/* Takes over fd (non-blocking; -1: there is no stdin). */
void intake_open(struct intake *in, int fd, int tty);

/* From the sender; 0 bytes: the end. 0, or -EPROTO: beyond the window, or behind the end. */
int intake_put(struct intake *in, const void *data, size_t len);

/* Nonzero when it takes a socket's bytes as they lie: a pipe, and nothing waits before them. */
int intake_takes_pages(const struct intake *in);

/* Then: at most len of them, instead of intake_put(). How many; 0: the socket has ended; -EAGAIN: it has
 * no more for now; -ENOBUFS: not in this way now; -EPROTO: beyond the window; or another negative errno. */
ssize_t intake_splice(struct intake *in, int socket, size_t len);

/* As much as the command takes now. */
void intake_feed(struct intake *in);

/* What is waited for now. */
void intake_settle(struct intake *in);

/* By how much the window opens now; 0: not yet. */
uint32_t intake_open_window(struct intake *in);

/* The window of a new sender, who knows nothing of the old one's. */
uint32_t intake_new_window(struct intake *in);

#endif
