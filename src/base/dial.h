/*
 * dial - a connection through a socket of the Firecracker dialect, in steps that never wait.
 *
 * "CONNECT port\n" is answered by "OK n\n"; what follows is the other end's, so not one byte of
 * that is read here. An end that nobody listens on is a silent close.
 */
#ifndef BASE_DIAL_H
#define BASE_DIAL_H

#include <stddef.h>
#include <stdint.h>

enum { DIAL_ANSWER_MAX = 32 };

struct dial {
	int fd; /* owned; -1 while there is none */
	size_t used;
	char line[DIAL_ANSWER_MAX];
};

#define DIAL_NONE \
	{ \
		.fd = -1 \
	}

/* Connects and asks. 0; -EAGAIN: too many do so just now; or another negative errno: -ENOENT or
 * -ECONNREFUSED: nobody is behind the socket. */
int dial_begin(struct dial *d, const char *path, uint32_t port);

/* The answer. 0: d->fd is the other end's now; -EAGAIN: wait until it is readable; -ECONNRESET:
 * nobody listens on that port (yet); -EPROTO: it speaks no such dialect; or another one. */
int dial_step(struct dial *d);

void dial_close(struct dial *d);

#endif
