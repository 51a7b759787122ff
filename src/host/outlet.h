/*
 * outlet - our stdout or stderr, and how much of the command's output has gone there.
 *
 * What it does not take now stays where it lies, in the inbox: whoever reads the connection
 * waits until it is gone, and so back-pressure needs no buffer.
 */
#ifndef HOST_OUTLET_H
#define HOST_OUTLET_H

#include <stdint.h>

#include "base/end.h"
#include "host/stdio.h"

struct outlet {
	struct end end;
	struct stdio io;
	void *owner; /* whose ready() it is */
	const char *name;
	int is_broken;	     /* our reader has gone: the rest goes nowhere */
	uint64_t seen;	     /* bytes of the command's that have gone there */
	int is_full;	     /* a pipe that took nothing more, while nothing is the rest */
	const uint8_t *rest; /* borrowed: not taken yet */
	size_t rest_len;
};

/* which: STDOUT_FILENO or STDERR_FILENO. ready: when the rest may be tried again. 0 or -errno. */
int outlet_open(struct outlet *o, int which, struct loop *l,
		void (*ready)(struct watch *w, uint32_t events));
void outlet_close(struct outlet *o);

/* 0: all of it is gone; 1: some of it is the rest now; -EPIPE: our reader has just gone, which is
 * said once; or another negative errno. data stays in place until outlet_flush() said 0. */
int outlet_put(struct outlet *o, const uint8_t *data, size_t len);

/* Nonzero when it is a pipe that takes a socket's bytes as they lie, and nothing waits before them. */
int outlet_takes_pages(const struct outlet *o);

/* Then: up to len of them. Bytes that went there; 0: the socket has ended; -EAGAIN: it has no more
 * for now, or the pipe is_full; -EPIPE: our reader has just gone; or another negative errno. */
ssize_t outlet_splice(struct outlet *o, int socket, size_t len);

/* The rest, as outlet_put(). */
int outlet_flush(struct outlet *o);

/* The rest is not coming from here any more. */
void outlet_forget(struct outlet *o);

#endif
