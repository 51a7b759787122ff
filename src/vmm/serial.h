/*
 * serial - a 16550 (National Semiconductor PC16550D), whose line is the console's.
 *
 * Sent is done at once, so the transmitter is always empty; its interrupt is real, because a kernel's
 * tty sends nothing more after the first byte without it. What comes in waits in the receiver's 16
 * bytes, and beyond them with whoever sends it.
 */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <stdint.h>

#include "vmm/bus.h"
#include "vmm/conline.h"

enum { SERIAL_FIFO = 16 };

struct serial {
	struct conline_port port; /* of the line: what is typed to the receiver */
	struct conline *line;	  /* borrowed */
	int irqfd;		  /* borrowed: an edge on the UART's interrupt */
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	int thr_irq;		 /* "transmitter empty" is pending */
	uint8_t in[SERIAL_FIFO]; /* received, the oldest first */
	unsigned received;
};

/* The line's end is the serial port's, unless another takes it. */
void serial_attach(struct serial *s, struct conline *line, int irqfd, struct bus *ports);

#endif
