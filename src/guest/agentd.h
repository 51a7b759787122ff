/*
 * agentd - the host's hand in the guest: heartbeats, what goes on, who listens, the clock, the
 * main process's signals, file copies, the orderly poweroff.
 *
 * One frame asks for one thing; a connection may ask as often as it likes, and is dropped when it
 * is silent for too long, unless it waits for something. What cannot be done is refused, and the
 * connection ends. The peer is the host, or in tests whoever may open the unix socket.
 */
#ifndef GUEST_AGENTD_H
#define GUEST_AGENTD_H

#include "base/end.h"
#include "base/listener.h"
#include "guest/caller.h"
#include "guest/clock.h"
#include "guest/files.h"
#include "guest/info.h"
#include "guest/ports.h"
#include "guest/poweroff.h"
#include "proto/agent.h"
#include "proto/frame.h"
#include "proto/fs.h"

enum {
	AGENTD_CONNS = 16,
	AGENTD_IN = FRAME_HEADER + FS_FRAME_MAX, /* the longest request */
	/* A snapshot of the ports that the peer did not take at once, and room for what is short. */
	AGENTD_OUT = FRAME_HEADER + PORTS_BYTES_MAX + 2 * AGENTD_IN,
};

struct agentd_options {
	struct poweroff *poweroff;     /* borrowed; NULL: powering off is not ours */
	const struct clock_ops *clock; /* borrowed; NULL: the clock is not ours */
	struct info_sources info;
	unsigned idle_ms;		       /* how long a peer may be silent; 0: 60 s */
	void (*scan)(struct agent_ports *out); /* NULL: procnet_scan() */
};

struct agent_conn {
	struct agentd *d; /* borrowed: the server outlives its connections */
	struct end peer;  /* fd -1: the place is free */
	struct timer idle;
	struct caller caller;
	int wants_synced; /* it asked for the poweroff, and is told when it is near */
	int watches;	  /* it is told who listens */
	int is_behind;	  /* ... and has missed a change: it gets a snapshot when it has read */
};

/* One mapping; pages that nobody writes to cost nothing. */
struct agentd {
	struct listener listener;
	struct agentd_options options;
	struct clock clock;
	struct ports ports;
	struct files files;
	struct agent_conn conns[AGENTD_CONNS];
	uint8_t frame[PORTS_BYTES_MAX]; /* what is being encoded */
	/* Apart from what every event touches. */
	uint8_t in_mem[AGENTD_CONNS][AGENTD_IN], out_mem[AGENTD_CONNS][AGENTD_OUT];
};

/* Takes over listen_fd; -1: its listener is given connections. NULL with errno set on failure. */
struct agentd *agentd_open(struct loop *l, struct reap *r, int listen_fd,
			   const struct agentd_options *o);

/* Processes are gone and disks are settled, or (0) not: tells those who asked for it. */
void agentd_say_synced(struct agentd *d, int settled);

/* Nonzero while one of them has not closed: its closing says that it knows. */
int agentd_is_awaited(const struct agentd *d);

#endif
