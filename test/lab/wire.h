/*
 * wire - what the freezer and the runner on the host and the init in the lab say to each other.
 *
 * Frames of proto/frame on one virtio-serial port. The command's bytes travel on ports of their
 * own, so a reader that is slow on one stream holds back that stream alone and the heartbeat
 * still arrives. A port has no end of file: a stream ends after the number of bytes that its
 * WIRE_STREAM_END gives.
 */
#ifndef LAB_WIRE_H
#define LAB_WIRE_H

#include <stdint.h>

#include "base/fifo.h"
#include "base/loop.h"
#include "proto/frame.h"

/* The virtio-serial ports, by the numbers QEMU and /dev/vport0pN use. */
enum wire_port {
	PORT_CONTROL = 1,
	PORT_STDIN,
	PORT_STDOUT,
	PORT_STDERR,
	PORT_FILES, /* /lab/out as a tar stream */
	PORT_END,
};

/* The payload is a text without its NUL, or the two u64 that the comment names. */
enum wire_type {
	/* runner to lab */
	WIRE_CLOCK = 1, /* seconds, nanoseconds: the time of day */
	WIRE_SEED,	/* 16 bytes for its random pool: a frozen one was thawed before */
	WIRE_ARG,	/* text: the next argument of the command */
	WIRE_ENV,	/* text: NAME=VALUE for its environment */
	WIRE_RUN,	/* rows, columns of its terminal; 0, 0: it gets pipes */
	WIRE_SIGNAL,	/* number, 0: to the command's process group */
	WIRE_RESIZE,	/* rows, columns */
	WIRE_BYE,	/* 0, 0: everything arrived, power off */
	/* lab to freezer */
	WIRE_HELLO, /* 0, 0: it is up, and spins until it hears a first word */
	/* lab to runner */
	WIRE_ALIVE,  /* 0, 0: at its first word, and ten times a second from then on */
	WIRE_FAILED, /* text: why the lab cannot go on */
	WIRE_EXIT,   /* status, 0: after the last WIRE_STREAM_END */
	/* both ways */
	WIRE_STREAM_END, /* port, bytes: nothing follows on that stream */
	WIRE_HANGUP,	 /* port, 0: nobody reads that stream any more */
};

/* One end of the control port. */
struct wire {
	struct loop *loop; /* borrowed */
	struct watch port; /* owned fd, non-blocking */
	struct inbox in;
	struct fifo out;
	void (*heard)(struct wire *w, const struct frame *f);
	void (*lost)(struct wire *w, int rc); /* 0: end of file; else a negative errno */
};

/* Takes fd; in, out, heard and lost are set already. 0 or a negative errno. */
int wire_open(struct wire *w, struct loop *l, int fd);
void wire_close(struct wire *w);

/* Queue a frame. 0, or -ENOBUFS with nothing queued. */
int wire_text(struct wire *w, enum wire_type type, const char *text);
int wire_numbers(struct wire *w, enum wire_type type, uint64_t a, uint64_t b);

/* The numbers of a frame that carries two; zeros when it does not. */
void wire_read(const struct frame *f, uint64_t *a, uint64_t *b);

#endif
