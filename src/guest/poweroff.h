/*
 * poweroff - the orderly end: processes, disks, a last word to the host, power.
 *
 * TERM to everybody, KILL after the grace (sooner when all have gone), sync, unmount; then
 * whoever asked may say so to the host before the machine stops.
 */
#ifndef GUEST_POWEROFF_H
#define GUEST_POWEROFF_H

#include "base/loop.h"
#include "guest/reap.h"

enum poweroff_phase { POWER_ON, POWER_TERM, POWER_KILL, POWER_SYNCED };

struct poweroff {
	struct loop *loop; /* borrowed */
	struct reap *reap; /* borrowed */
	struct timer timer;
	enum poweroff_phase phase;
	int how; /* of reboot(2): RB_POWER_OFF or RB_AUTOBOOT */
	/* Disks are settled. Nonzero: somebody says a last word and then calls poweroff_now(), or
	 * is cut off. NULL: nobody does. */
	int (*synced)(struct poweroff *p);
};

void poweroff_init(struct poweroff *p, struct loop *l, struct reap *r);

/* Once; later calls change nothing. */
void poweroff_begin(struct poweroff *p, int how, unsigned grace_ms);
void poweroff_now(struct poweroff *p);

#endif
