/*
 * poweroff - the orderly end: processes, disks, a last word to the host, power.
 *
 * TERM to everybody, KILL after the grace (or sync at once when all have gone), unmount; then
 * the host is told what it is waiting for before the machine stops.
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
	int others; /* process 1 is another's init: it is asked, and does the rest */
	int how;    /* of reboot(2): RB_POWER_OFF or RB_AUTOBOOT */
	void (*synced)(struct poweroff *p);    /* the disks are settled; NULL: nobody cares */
	int (*is_awaited)(struct poweroff *p); /* somebody is still being told how it ended */
};

void poweroff_init(struct poweroff *p, struct loop *l, struct reap *r);

/* Once; later calls change nothing. */
void poweroff_begin(struct poweroff *p, int how, unsigned grace_ms);

/* Somebody needs to be told no more. Power goes when that was the last, or after a second. */
void poweroff_check(struct poweroff *p);

#endif
