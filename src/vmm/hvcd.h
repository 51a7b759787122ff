/*
 * hvcd - a console device at the console's line. It gets what is typed while the guest has a driver for it,
 * and the serial port before.
 */
#ifndef VMM_HVCD_H
#define VMM_HVCD_H

#include "virtio/console.h"
#include "vmm/conline.h"

struct hvcd {
	struct console console;
	struct console_host host;
	struct conline_port port;
	struct conline_port *before; /* borrowed: the line's other port */
	struct conline *line;	     /* borrowed */
};

void hvcd_attach(struct hvcd *d, const struct gmem *m, struct conline *line);

#endif
