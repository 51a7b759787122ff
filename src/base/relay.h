/*
 * relay - bytes between two parties, both ways, each way ending for itself.
 *
 * What is read goes straight on. Only what the receiver does not take at once is kept, and until
 * that has gone its sender is not read: a slow receiver slows its own sender and nobody else, and
 * a relay that keeps up holds no bytes.
 *
 * A way ends when the end of its sender was told to its receiver. A relay is over when both ways
 * have ended; or, with what has still arrived delivered, when a party is gone: it was reset, or
 * it closed without having ended its way first.
 */
#ifndef BASE_RELAY_H
#define BASE_RELAY_H

#include "base/end.h"
#include "base/fifo.h"

struct relay;
struct relay_port;

/* Nothing here blocks; read and write return -errno, -EAGAIN when the loop shall say. */
struct relay_io {
	ssize_t (*read)(struct relay_port *p, void *data, size_t len);
	ssize_t (*write)(struct relay_port *p, const void *data, size_t len);
	void (*finish)(struct relay_port *p); /* no more will be written */
	/* After a hang-up: nonzero when nobody is there who could read. NULL: then nobody is. */
	int (*is_gone)(struct relay_port *p);
	/* Who ends in an orderly way ends his own half first: whoever is gone when his end is read
	 * was reset, and the receiver must not hear of an end. */
	int says_its_end;
};

/* A connected stream socket, of any family. */
extern const struct relay_io relay_socket;

/* The same, of a peer that is a relay itself, with a stream of proto/stream.h in between. */
extern const struct relay_io relay_stream;

/* A descriptor that one way reads, or one writes, or both. */
struct relay_port {
	struct end end; /* owned fd, non-blocking */
	const struct relay_io *io;
	struct relay *relay; /* relay_start() sets it */
	int is_file;	     /* epoll does not take it: it always is ready */
	int is_gone;
};

struct relay_way {
	struct relay_port *from, *to; /* borrowed */
	struct fifo rest;	      /* what `to` did not take; room for a chunk */
	int ended;		      /* nothing more is read */
	int finished;		      /* and nothing more is written */
	int is_told;		      /* the receiver has heard of the end, after all there was */
};

struct relay {
	struct loop *loop;	 /* borrowed */
	struct relay_way way[2]; /* where one leads to, the other comes from */
	void *chunk;		 /* borrowed; all relays of a loop may share one */
	size_t chunk_len;
	/* How long a receiver may take nothing while its sender is gone already; 0: for ever. */
	unsigned stuck_ms;
	/* Once; the ports are the owner's to close. 0: both ways have ended; or why not. */
	void (*over)(struct relay *r, int why);

	struct timer stuck; /* from here on the relay's own */
	int why;
};

/* The fields above are set, the ports are open and nothing is wanted of them. A `rest` may hold
 * bytes already. May call over(). */
void relay_start(struct relay *r);

/* Forgets it, wherever it is; over() is not called. No-op for one that never started. */
void relay_stop(struct relay *r);

#endif
