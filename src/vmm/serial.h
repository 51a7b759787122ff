/*
 * serial - a 16550 whose line is a file, and whoever else listens (National Semiconductor PC16550D).
 *
 * What is sent goes to the console file, a line at a time where the guest writes lines. Sent is done
 * at once, so the transmitter is always empty; its interrupt is real, because a kernel's tty sends
 * nothing more after the first byte without it. What comes in waits in the receiver's 16 bytes, and
 * beyond them with whoever sends it.
 *
 * The file is bounded: beyond SERIAL_LOG_MAX its older half is dropped, so a guest cannot fill
 * the disk and the newest lines, which tell of a crash, stay.
 */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "vmm/bus.h"

enum {
	SERIAL_BUF = 4096,
	SERIAL_LOG_MAX = 8 << 20,
	SERIAL_LINGER_MS = 20, /* how long a line without an end may wait */
	SERIAL_FIFO = 16,
};

struct serial;

/* Whoever else is at the line. NULL: nobody. */
struct serial_line {
	void (*said)(struct serial *s, const char *data, size_t len);
	void (*hungry)(struct serial *s); /* the receiver is empty again */
};

struct serial {
	int out;	     /* borrowed: the console file, in append mode */
	int irqfd;	     /* borrowed: an edge on the UART's interrupt */
	struct serial_line *line; /* borrowed */
	struct watch linger; /* owned fd: a timer, armed while something waits */
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	int thr_irq;	  /* "transmitter empty" is pending */
	uint8_t in[SERIAL_FIFO]; /* received, the oldest first */
	unsigned received;
	uint64_t written; /* to the file since it was last cut */
	unsigned used;
	char buf[SERIAL_BUF];
};

/* 0 or a negative errno. */
int serial_open(struct serial *s, int out, int irqfd);
int serial_attach(struct serial *s, struct bus *ports, struct loop *l);

/* What the line brings. How much of it the receiver took; for the rest it will be hungry() once. */
size_t serial_receive(struct serial *s, const void *data, size_t len);
void serial_flush(struct serial *s);
void serial_close(struct serial *s);

#endif
