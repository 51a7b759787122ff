/*
 * dialler - the one way from this host into a guest: every connection that a forward makes is made
 * here, and finds the way afresh.
 *
 * Nobody else keeps a descriptor, a path or a client of the guest's servers, so nothing is left
 * pointing at what is gone when the guest's agent, the guest or the vmm starts again.
 *
 * A guest that is not there, or whose server is not, is waited for: for hold_ms, and tried again
 * meanwhile, closely at first. A destination in the guest that refuses is an answer, and final.
 * One that says nothing has its time. Within the loop; nothing here blocks.
 */
#ifndef HOST_DIALLER_H
#define HOST_DIALLER_H

#include "base/end.h"
#include "host/destination.h"
#include "host/dial.h"
#include "host/stream.h"

enum {
	DIALLER_HOLD_MS = 10000,    /* until the guest's server takes the connection */
	DIALLER_CONNECT_MS = 10000, /* until the guest has reached the destination */
};

struct dialling;

struct dialler {
	struct loop *loop;	      /* borrowed */
	int sockets_dir;	      /* borrowed: where vsock.sock is, whenever there is one */
	unsigned hold_ms, connect_ms; /* as above; tests have less time */
	int guest_is_up;	      /* then a vsock port that refuses will go on doing so */
	int is_shut;
	struct dialling *first; /* of those on their way */
};

/* One connection on its way: the owner's memory. */
struct dialling {
	struct dialler *d; /* borrowed; NULL: idle */
	struct dialling *next, **link;
	const struct destination *to; /* borrowed */
	struct dial dial;
	struct end end; /* dial.fd, while an answer is waited for */
	struct timer timer;
	int64_t until_ms;
	unsigned wait_ms;
	int is_asked; /* the stream server has the request */
	struct stream_answer answer;
	/* Once, and in a later turn of the loop. fd: the destination itself, non-blocking, the
	 * owner's now; or negative with why filled: is_refused when it was the guest's answer. */
	void (*done)(struct dialling *x, int fd, const struct err *why);
	int is_refused;
};

void dialler_init(struct dialler *d, struct loop *l, int sockets_dir);

/* Begins. 0; or -ESHUTDOWN, and nothing was begun. */
int dialler_dial(struct dialler *d, struct dialling *x, const struct destination *to,
		 void (*done)(struct dialling *x, int fd, const struct err *why));

/* done() is not called. No-op for one that is not on its way. */
void dialling_cancel(struct dialling *x);

/* From here on nothing is dialled; what is on its way fails at once, within this call. */
void dialler_shut(struct dialler *d);

#endif
