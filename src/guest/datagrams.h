/*
 * datagrams - a peer's frames to and from a connected socket of udp: a frame is a datagram.
 *
 * What the socket does not take waits in the peer's inbox, what the peer does not take in its
 * fifo; while one waits, its sender is not read. What is lost on the way is lost, as with udp.
 */
#ifndef GUEST_DATAGRAMS_H
#define GUEST_DATAGRAMS_H

#include "guest/caller.h"
#include "proto/stream.h"

enum datagrams_end {
	DATAGRAMS_PEER_GONE,
	DATAGRAMS_SILENT,   /* both were, for idle_ms */
	DATAGRAMS_NONSENSE, /* the peer sent a frame that is no datagram */
	DATAGRAMS_TOO_LONG, /* or one of more than STREAM_DATAGRAM_MAX bytes */
	DATAGRAMS_REFUSED,  /* the socket says so, in an errno */
};

struct datagrams {
	struct loop *loop;   /* borrowed */
	struct caller *peer; /* borrowed; a datagram's frame fits both ways, some may lie there */
	struct end *inner;   /* borrowed: the socket */
	uint8_t *chunk;	     /* borrowed: STREAM_DATAGRAM_MAX bytes, for the moment of a call */
	unsigned idle_ms;
	/* Once; it has stopped. err: an errno with DATAGRAMS_REFUSED, else 0. */
	void (*over)(struct datagrams *g, enum datagrams_end how, int err);

	struct timer idle; /* from here on its own */
	int is_heard;	   /* the socket has received something, ever */
};

/* The fields above are set, both ends are open. This and what follows may call over(). */
void datagrams_start(struct datagrams *g);

/* The ends' handlers are the owner's: they call these. */
void datagrams_peer_ready(struct datagrams *g, uint32_t events);
void datagrams_inner_ready(struct datagrams *g);

/* over() is not called. No-op for one that never started. */
void datagrams_stop(struct datagrams *g);

#endif
