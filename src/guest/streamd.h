/*
 * streamd - connects the host to what can be reached from the guest, one connection a stream.
 *
 * The peer is the host, or in tests whoever may open the unix socket; what it says is checked all
 * the same. One thread, one loop; nothing here blocks.
 */
#ifndef GUEST_STREAMD_H
#define GUEST_STREAMD_H

#include "base/listener.h"
#include "guest/reap.h"

enum { STREAMD_PLACES = 1024 };

struct streamd;

struct streamd_options {
	unsigned places;	/* streams at a time, at most STREAMD_PLACES; 0: these, or as descriptors suffice */
	unsigned idle_ms;	/* how long a peer may take to ask; 0: 30 s */
	unsigned udp_idle_ms;	/* silence both ways that ends a stream of udp; 0: 5 min (RFC 4787) */
};

/* Serves `listen_fd` (taken over, non-blocking; -1: its listener is given connections). NULL with
 * errno set on failure. */
struct streamd *streamd_open(struct loop *l, struct reap *r, int listen_fd,
			     const struct streamd_options *o);

struct listener *streamd_listener(struct streamd *d);

#endif
