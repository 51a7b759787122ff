/*
 * console - a console (virtio 1.2 section 5.3): one port, which Linux calls hvc0.
 *
 * What the guest says is passed on at once. What comes in waits in the device, and beyond its room with
 * whoever sends it. Runs on the loop's thread.
 */
#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include "virtio/vdev.h"

enum { CONSOLE_QUEUE = 16, CONSOLE_TYPED = 256 };

struct console_host {
	void (*said)(struct console_host *h, const void *data, size_t len);
	void (*hungry)(struct console_host *h); /* all that came in has been read */
};

struct console {
	struct vdev dev;
	struct console_host *host; /* borrowed */
	uint8_t config[12]; /* sizes, ports, emergency write: section 5.3.4, none of it offered */
	unsigned typed;
	uint8_t in[CONSOLE_TYPED];
};

void console_init(struct console *c, const struct gmem *m, struct console_host *h);

/* Nonzero while the guest has a driver for it. */
int console_is_up(const struct console *c);

/* How much of it was taken; for the rest it will be hungry() once. */
size_t console_receive(struct console *c, const void *data, size_t len);

#endif
