/*
 * listener - takes connections from the host for a server with a fixed number of places.
 *
 * A full server pauses its listener: whoever comes then waits in the kernel's backlog.
 */
#ifndef GUEST_LISTENER_H
#define GUEST_LISTENER_H

#include "base/loop.h"

struct listener {
	struct loop *loop; /* borrowed */
	struct watch w;	   /* owned fd */
	struct timer retry;
	int paused;
	/* fd is non-blocking and now the server's; the last free place taken, it pauses us. */
	void (*accepted)(struct listener *l, int fd);
};

#define LISTENER_INIT \
	{ \
		.w.fd = -1 \
	}

/* Takes over fd, a non-blocking listening socket. 0 or a negative errno. */
int listener_open(struct listener *l, struct loop *loop, int fd,
		  void (*accepted)(struct listener *l, int fd));
void listener_close(struct listener *l);

void listener_pause(struct listener *l);
void listener_resume(struct listener *l);

#endif
