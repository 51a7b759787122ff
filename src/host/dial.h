/*
 * dial - a connection to a port of a running VM, through its vsock.sock.
 *
 * The socket speaks the Firecracker dialect: "CONNECT port\n", answered by "OK n\n"; what
 * follows is the guest's, so not one byte of that is read here.
 */
#ifndef HOST_DIAL_H
#define HOST_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DIAL_ANSWER_MAX = 32 };

/* The same in steps, for those who have a loop. */
struct dial {
	int fd; /* owned; -1 while there is none */
	size_t used;
	char line[DIAL_ANSWER_MAX];
};

#define DIAL_NONE \
	{ \
		.fd = -1 \
	}

/* Connects and asks. 0; -EAGAIN: too many do so just now; or another negative errno. */
int dial_begin(struct dial *d, const char *path, uint32_t port);

/* The answer. 0: d->fd is the guest's now; -EAGAIN: wait until it is readable; or another negative
 * errno, as of dial_vsock(). */
int dial_step(struct dial *d);

void dial_close(struct dial *d);

/*
 * Waits at most until deadline_ms (clock_ms()). A non-blocking fd, the caller's; or negative with
 * *e filled: -ENOENT or -ECONNREFUSED: no VM behind the socket; -ECONNRESET: nobody listens on
 * that port in the guest (yet); -EPROTO: it is no vsock.sock; -ETIMEDOUT.
 */
int dial_vsock(const char *path, uint32_t port, int64_t deadline_ms, struct err *e);

#endif
