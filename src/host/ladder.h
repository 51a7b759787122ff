/*
 * ladder - ending a VM: ask the guest's agent, then its kernel, then the vmm, then nobody.
 */
#ifndef HOST_LADDER_H
#define HOST_LADDER_H

#include "host/call.h"
#include "host/vmmchild.h"

enum rung {
	RUNG_NONE,  /* it ended by itself */
	RUNG_GUEST,  /* the guest's agent syncs its disks and powers off */
	RUNG_BUTTON, /* its power button: a guest without an agent, or whose agent hangs */
	RUNG_TERM,   /* SIGTERM: the vmm ends the machine */
	RUNG_KILL,   /* SIGKILL */
};

struct ladder {
	struct loop *loop;    /* borrowed */
	struct vmmchild *vmm; /* borrowed */
	struct call call;
	struct timer due; /* when the next rung is tried */
	struct timer press; /* when the button is pressed again */
	enum rung rung;	  /* the latest tried: the one that ended it, once it has ended */
	int asked;	  /* the guest has been told to power off */
	int synced;	  /* the guest confirmed that its disks are synced */
	unsigned wait_ms; /* the guest's time, of which the button has half when there is an agent */
	int has_button;	  /* somebody may be there who hears it */
	int64_t began_ms;
};

#define LADDER_NONE ((struct ladder){ .call = CALL_NONE })

/* Steps onto the first rung, or does nothing when on one already. has_button: 0 for a guest that has
 * not come so far as to hear it. */
void ladder_start(struct ladder *l, struct loop *loop, struct vmmchild *vmm, int sockets_dir,
		  unsigned wait_ms, int has_button);

/* Straight to the last rung. */
void ladder_kill(struct ladder *l, struct loop *loop, struct vmmchild *vmm);

void ladder_stop(struct ladder *l);

/* "guest", "button", "term", "kill"; "none". */
const char *rung_name(enum rung r);

#endif
