/*
 * agentd - the host's hand in the guest: heartbeats, file copies, the orderly poweroff.
 */
#ifndef GUEST_AGENTD_H
#define GUEST_AGENTD_H

#include "base/end.h"
#include "base/listener.h"
#include "guest/files.h"
#include "guest/poweroff.h"
#include "proto/frame.h"

enum {
	AGENTD_CONNS = 16,
	AGENTD_IN = FRAME_HEADER + 4096,
	AGENTD_OUT = 2 * AGENTD_IN,
};

struct agent_conn {
	struct agentd *d; /* borrowed: the server outlives its connections */
	struct end peer;  /* fd -1: the place is free */
	struct inbox in;
	struct fifo out;
	int wants_synced; /* it asked for the poweroff, and is told when it is near */
	uint8_t in_mem[AGENTD_IN], out_mem[AGENTD_OUT];
};

struct agentd {
	struct listener listener;
	struct poweroff *poweroff;	 /* borrowed; NULL: powering off is not ours */
	void (*going)(struct agentd *d); /* the host asks for the poweroff; NULL: nobody cares */
	struct files files;
	struct agent_conn conns[AGENTD_CONNS];
};

/* Takes over listen_fd; -1: its listener is given connections. p may be NULL. 0 or a negative
 * errno. */
int agentd_open(struct agentd *d, struct loop *l, struct reap *r, int listen_fd,
		struct poweroff *p);

/* Processes are gone and disks are settled: tells those who asked for it. */
void agentd_say_synced(struct agentd *d);

/* Nonzero while one of them has not closed: its closing says that it knows. */
int agentd_is_awaited(const struct agentd *d);

#endif
