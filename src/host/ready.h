/*
 * ready - the conditions of contracts.md, and the moment when all of them hold.
 *
 * vm_alive: the vmm runs the guest's instructions. agent_up: the guest said hello with the boot
 * id that only it was given, said that its servers answer, and its exec server did answer us.
 */
#ifndef HOST_READY_H
#define HOST_READY_H

#include "host/heartbeat.h"
#include "host/lookout.h"
#include "host/timeline.h"

struct ready {
	struct loop *loop;   /* borrowed */
	struct timeline *tl; /* borrowed */
	int sockets_dir;     /* borrowed */
	struct lookout lookout;
	struct heartbeat heartbeat;
	int vm_alive, agent_up; /* the conditions */
	int hello, said_ready;	/* the way to agent_up */
	int main_exited;
	struct exec_status main;	  /* valid when main_exited */
	void (*changed)(struct ready *r); /* a condition changed, or the main process ended */
};

#define READY_NONE ((struct ready){ .lookout = LOOKOUT_NONE, .heartbeat = HEARTBEAT_NONE })

/* Takes over the listening socket of the beacon. 0 or a negative errno. */
int ready_start(struct ready *r, struct loop *l, struct timeline *tl, int beacon_fd,
		int sockets_dir, void (*changed)(struct ready *r));
void ready_stop(struct ready *r);

void ready_vm_alive(struct ready *r, int alive, const char *reason);

int ready_is(const struct ready *r);

/* Which condition does not hold, and why; for a person. */
void ready_unmet(const struct ready *r, char *out, size_t cap);

#endif
