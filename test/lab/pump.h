/*
 * pump - bytes between a port and a descriptor, with the count that ends them.
 *
 * A pump waits for one thing at a time: for bytes while it is empty, for room while it is not.
 * That is the back-pressure. Descriptors shared with other processes (the runner's stdin,
 * stdout, stderr) stay blocking: a pipe that says it is writable takes PUMP_BYTES at once. Plain
 * files, which epoll refuses, are always ready.
 *
 * The port stays open when the pump ends: QEMU forgets what is still in flight as soon as one
 * side closes.
 */
#ifndef LAB_PUMP_H
#define LAB_PUMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

enum { PUMP_BYTES = 4096 };

enum pump_state {
	PUMP_IDLE, /* not opened yet */
	PUMP_MOVING,
	PUMP_ENDED,  /* every byte delivered; the descriptor is closed */
	PUMP_BROKEN, /* the reader has gone; the descriptor is closed */
};

enum pump_way { TO_PORT, FROM_PORT };

struct pump {
	enum pump_state state;
	struct loop *loop; /* borrowed */
	struct watch wait; /* borrows `from` or `to`; fd -1 while it waits for neither */
	enum pump_way way; /* from a port: ends by `total`, and 0 bytes read mean nothing */
	int from, to;	   /* the port is borrowed, the other one owned */
	uint64_t moved;	   /* bytes delivered */
	uint64_t total;	   /* UINT64_MAX until the far side gave the number */
	size_t at, len;	   /* bytes in buf still to deliver */
	char buf[PUMP_BYTES];
	void (*done)(struct pump *p); /* the state became ENDED or BROKEN */
};

/* Takes fd, borrows port, and starts. */
void pump_open(struct pump *p, struct loop *l, int fd, enum pump_way way, int port,
	       void (*done)(struct pump *p));

/* Stops; no-op unless moving. Calls done. */
void pump_close(struct pump *p, enum pump_state state);

/* The stream is this long: it ends once so many bytes are delivered. */
void pump_set_total(struct pump *p, uint64_t total);

/* Delivers what can still be had from `from` and ends; for when its far side is dead. */
void pump_drain(struct pump *p);

#endif
