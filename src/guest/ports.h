/*
 * ports - who listens in this guest, for as long as somebody wants to know.
 *
 * No kernel tells of listen(2) as it happens, so this looks: not at all while nobody watches,
 * every 100 ms after a change, and ever more seldom down to once a second while nothing does.
 * The servers of this program are never seen: they listen on vsock or unix sockets.
 */
#ifndef GUEST_PORTS_H
#define GUEST_PORTS_H

#include "base/loop.h"
#include "proto/agent.h"

struct ports {
	struct loop *loop; /* borrowed */
	struct timer timer;
	unsigned watchers, wait_ms;
	void (*scan)(struct agent_ports *out);
	/* p->now has become another. change is NULL when it would not fit into one. */
	void (*changed)(struct ports *p, const struct agent_ports_change *change);
	struct agent_ports now, next;
	struct agent_ports_change change;
};

/* scan: procnet_scan(), or what a test says. */
void ports_init(struct ports *p, struct loop *l, void (*scan)(struct agent_ports *out),
		void (*changed)(struct ports *p, const struct agent_ports_change *change));

/* One more watches, or one less. After the first p->now is up to date; for those who watched
 * already, changed() may be called. */
void ports_watch(struct ports *p);
void ports_unwatch(struct ports *p);

#endif
