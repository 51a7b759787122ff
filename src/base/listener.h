/*
 * listener - takes connections for a server with a fixed number of places.
 *
 * While all are taken, or while no descriptor is to be had, whoever comes waits in the kernel's
 * backlog, and the loop sleeps.
 */
#ifndef BASE_LISTENER_H
#define BASE_LISTENER_H

#include "base/loop.h"

struct listener {
	struct loop *loop; /* borrowed */
	struct watch w;	   /* owned fd */
	struct timer retry;
	int paused, held;
	unsigned places, taken;
	/* Whether this peer may come in at all; NULL: whoever can connect may. */
	int (*admits)(int fd);
	/* fd is non-blocking and now the server's, which has a place for it. */
	void (*accepted)(struct listener *l, int fd);
	/* A place has become free; NULL: nobody else brings connections. */
	void (*room)(struct listener *l, void *arg);
	void *arg;
};

#define LISTENER_INIT \
	{ \
		.w.fd = -1 \
	}

/* Takes over fd, a non-blocking listening socket; -1: listener_give() brings connections. 0 or a
 * negative errno. */
int listener_open(struct listener *l, struct loop *loop, int fd, unsigned places,
		  void (*accepted)(struct listener *l, int fd));
void listener_close(struct listener *l);

/* Hands a connection to the server. 0, fd being the server's; or -EAGAIN while no place is free. */
int listener_give(struct listener *l, int fd);

/* While it is held nobody comes in, as if no place were free: what places there are, others share. */
void listener_hold(struct listener *l, int held);

/* What accepted() was given has come to its end: its place is free again. */
void listener_release(struct listener *l);

#endif
