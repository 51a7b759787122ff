/*
 * target - the guest a word is about: a VM by its name, or unix:PATH, the socket of a guest agent
 * that runs without a VM of ours.
 */
#ifndef HOST_TARGET_H
#define HOST_TARGET_H

#include "host/state.h"

struct target {
	char name[PATH_ROOM + 8];   /* as sentences and VMTOOL_VM call it */
	char boot[BOOT_ID_LEN + 1]; /* "" where nobody knows */
	char vsock[PATH_ROOM];	    /* a socket of the Firecracker dialect */
	int dir;		    /* owned: keeps a long path of it short; or -1 */
};

#define TARGET_NONE \
	{ \
		.dir = -1 \
	}

/* What a person typed. A VM must be ready. 0 or negative with *e filled. */
int target_find(struct target *t, const char *name, struct err *e);

/* A VM that is known to run. 0 or negative with *e filled. */
int target_vm(struct target *t, const struct vmref *v, const struct state *s, struct err *e);

/* Nonzero when the boot it was found in has ended, and with it all that ran there. Of a guest agent
 * without a VM nobody can know: 0. */
int target_is_over(const struct target *t);

/* host/dial with a deadline of some seconds: a guest's servers accept at once. */
int target_dial(const struct target *t, uint32_t port, struct err *e);

void target_close(struct target *t);

#endif
