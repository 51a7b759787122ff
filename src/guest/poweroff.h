/*
 * poweroff - the orderly end, in phases that each have a deadline of their own:
 *
 *	SESSIONS  TERM to the commands the host runs, so that they end before what they use
 *	TERM      TERM to everybody, the main process too; the grace is the caller's
 *	KILL      KILL to everybody
 *	SYNC      disks are synced and unmounted, in a child: one that hangs must not hold the power
 *	TOLD      who waits for it is told how that went; his closing says that he knows
 *	GONE      the kernel is asked to stop the machine
 *
 * A phase is over when what it waits for has happened or when its time is up. When no process is
 * left, SYNC is next at once.
 */
#ifndef GUEST_POWEROFF_H
#define GUEST_POWEROFF_H

#include "base/loop.h"
#include "guest/reap.h"

enum poweroff_phase {
	POWER_ON,
	POWER_SESSIONS,
	POWER_TERM,
	POWER_KILL,
	POWER_SYNC,
	POWER_TOLD,
	POWER_GONE,
};

struct poweroff;

/* What it does to the machine; a test has its own. */
struct poweroff_ops {
	void (*signal_all)(int sig);
	void (*settle_disks)(void); /* in a child of its own */
	int (*reboot)(int how);	    /* returns only when the kernel refused */
	int (*ask_init)(void);	    /* 0 or a negative errno */
};

extern const struct poweroff_ops poweroff_ops_machine;

/* Who has to do with it; each may be NULL. */
struct poweroff_events {
	/* It begins, and from now on nothing new does. Once. */
	void (*begins)(struct poweroff *p);
	/* Sends a signal to the commands the host runs, the main process excepted; 0: only counts
	 * them. How many run. */
	unsigned (*sessions)(struct poweroff *p, int sig);
	/* enum stage_state; the name is a literal. */
	void (*stage)(struct poweroff *p, const char *name, int state, const char *detail);
	/* The disks are settled, or (0) nobody knows: whoever waits for that is to be told. */
	void (*synced)(struct poweroff *p, int settled);
	/* Somebody is still being told how it ended. */
	int (*is_awaited)(struct poweroff *p);
};

struct poweroff {
	struct loop *loop;		      /* borrowed */
	struct reap *reap;		      /* borrowed */
	const struct poweroff_ops *ops;	      /* borrowed */
	const struct poweroff_events *events; /* borrowed */
	struct timer timer;
	struct child sync;
	enum poweroff_phase phase;
	int others;	  /* process 1 is another's init: it is asked, and does the rest */
	int how;	  /* of reboot(2): RB_POWER_OFF or RB_AUTOBOOT */
	int settled;	  /* the disks are */
	int64_t until_ms; /* the end of the grace */
};

void poweroff_init(struct poweroff *p, struct loop *l, struct reap *r,
		   const struct poweroff_events *events);

/* Once; later calls change nothing. 0; or negative: another's init could not be asked. */
int poweroff_begin(struct poweroff *p, int how, unsigned grace_ms);

/* What a phase may wait for has happened: a command ended, or somebody knows all he wants to. */
void poweroff_check(struct poweroff *p);

#endif
