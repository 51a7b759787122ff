/*
 * serial - a 16550 whose line is a file (National Semiconductor PC16550D).
 *
 * Output only: what is sent goes to the console file, a line at a time where the guest writes
 * lines. Sent is done at once, so the transmitter is always empty; its interrupt is real, because
 * a kernel's tty sends nothing more after the first byte without it.
 *
 * The file is bounded: beyond SERIAL_LOG_MAX its older half is dropped, so a guest cannot fill
 * the disk and the newest lines, which tell of a crash, stay.
 */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <stdint.h>

#include "base/loop.h"
#include "vmm/bus.h"

enum {
	SERIAL_BUF = 4096,
	SERIAL_LOG_MAX = 8 << 20,
	SERIAL_LINGER_MS = 20, /* how long a line without an end may wait */
};

struct serial {
	int out;	     /* borrowed: the console file, in append mode */
	int irqfd;	     /* borrowed: an edge on the UART's interrupt */
	struct watch linger; /* owned fd: a timer, armed while something waits */
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	int thr_irq;	  /* "transmitter empty" is pending */
	uint64_t written; /* to the file since it was last cut */
	unsigned used;
	char buf[SERIAL_BUF];
};

/* 0 or a negative errno. */
int serial_open(struct serial *s, int out, int irqfd);
int serial_attach(struct serial *s, struct bus *ports, struct loop *l);
void serial_flush(struct serial *s);
void serial_close(struct serial *s);

#endif
