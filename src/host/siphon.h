/*
 * siphon - a frame of what a pipe holds, on its way to a connection past our memory.
 *
 * The pages are moved by splice(2), first into a pipe of ours: whoever else reads that pipe, what has
 * been moved is there and its number known when the header goes out. So two copies of a byte are
 * spared.
 */
#ifndef HOST_SIPHON_H
#define HOST_SIPHON_H

#include <sys/types.h>

#include "proto/frame.h"

struct siphon {
	int pipe[2]; /* owned; -1 while it was never used */
	uint8_t head[FRAME_HEADER];
	unsigned head_left; /* of the header's bytes */
	uint32_t left;	    /* of the payload's: as many lie in our pipe */
};

#define SIPHON_INIT \
	{ \
		.pipe = { -1, -1 } \
	}

void siphon_close(struct siphon *s);

/* Nonzero while a frame has begun and is not through: nothing else may be sent. */
static inline int siphon_is_filled(const struct siphon *s)
{
	return s->head_left > 0 || s->left > 0;
}

/* Begins a frame of at most `most` bytes of what is in `from`, a non-blocking pipe. How many; 0: it has
 * ended; -EAGAIN: it is empty; or another negative errno: not to be had in this way. */
ssize_t siphon_draw(struct siphon *s, uint8_t type, int from, size_t most);

/* As much of it as `to`, a non-blocking socket, takes. 0; or a negative errno, -EAGAIN excepted. */
int siphon_pour(struct siphon *s, int to);

#endif
