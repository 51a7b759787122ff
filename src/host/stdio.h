/*
 * stdio - our own stdin, stdout and stderr, used without ever blocking.
 *
 * O_NONBLOCK belongs to the open file, which we share with the shell and with other members of
 * a pipeline, so it is never set on theirs: a pipe or terminal is opened once more for us, a
 * socket is asked per call, and a regular file does not block.
 */
#ifndef HOST_STDIO_H
#define HOST_STDIO_H

#include <stddef.h>
#include <sys/types.h>

struct stdio {
	int fd;	    /* what to use and to watch */
	int is_own; /* opened here */
	int is_socket;
	int is_pipe;
	int is_busy; /* it was full once */
	int is_file; /* always ready, and nothing that epoll takes */
	size_t most; /* bytes a write may have without blocking */
};

#define STDIO_NONE \
	{ \
		.fd = -1 \
	}

/* fd: 0, 1 or 2. A closed one is as /dev/null. 0 or a negative errno. */
int stdio_open(struct stdio *s, int fd);
void stdio_close(struct stdio *s);

/* It was full: a pipe gets a larger one, once. */
void stdio_widen(struct stdio *s);

/* Nonzero when a write would not have to wait. */
int stdio_has_room(const struct stdio *s);

/* As read(2) and write(2), with -errno; -EAGAIN: watch it. */
ssize_t stdio_read(const struct stdio *s, void *data, size_t len);
ssize_t stdio_write(const struct stdio *s, const void *data, size_t len);

#endif
