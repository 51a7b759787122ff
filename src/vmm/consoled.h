/*
 * consoled - who is at the console: local clients of a unix socket, or one connection.
 *
 * All get what the guest says, and the guest gets what any of them types. A client that ends its
 * half goes on listening. Whoever reads too slowly misses some, which it is told; nobody, and least
 * of all the guest, waits for it.
 *
 * Runs on the loop's thread, under the machine's lock; whatever happens at the line on a CPU's
 * thread only leaves word.
 */
#ifndef VMM_CONSOLED_H
#define VMM_CONSOLED_H

#include "base/fifo.h"
#include "base/listener.h"
#include "vmm/conline.h"

enum {
	CONSOLED_PEERS = 8,
	CONSOLED_QUEUE = 64 * 1024, /* said, and not yet taken by a client */
	CONSOLED_TYPED = 256,
	CONSOLED_LATE_MS = 5000, /* for the guest to read what somebody typed who has gone */
};

struct consoled_peer {
	struct watch watch; /* owned fd; -1: the place is free */
	struct consoled *d; /* borrowed */
	struct timer late;  /* runs while it has hung up, and the guest has not read all it typed */
	int has_hung_up;
	int has_ended;	 /* types nothing more */
	uint64_t missed; /* bytes since the last it got */
	struct fifo out;
	unsigned typed; /* of in[], what the guest has no room for yet */
	uint8_t in[CONSOLED_TYPED];
	uint8_t queue[CONSOLED_QUEUE];
};

struct consoled {
	struct conline_ear ear;
	struct conline *line; /* borrowed */
	struct loop *loop;     /* borrowed */
	struct watch word;     /* owned: an eventfd */
	struct listener listener;
	struct consoled_peer peer[CONSOLED_PEERS];
};

/* d is zeroed memory. fd: non-blocking; a listening socket, or a connection, which is taken over. 0 or a negative errno. */
int consoled_start(struct consoled *d, struct conline *c, struct loop *l, int fd);

/* Sends what can be sent. Nonzero while a client has not got all. */
int consoled_drain(struct consoled *d);

#endif
