/*
 * consoleline - our terminal at a VM's serial line (console.sock, which its vmm serves).
 */
#ifndef HOST_CONSOLELINE_H
#define HOST_CONSOLELINE_H

#include "host/detachkeys.h"

struct consoleline_ask {
	const char *name;
	struct detachkeys keys;
	int only_look; /* nothing that is typed goes there */
};

/* From whenever its machine is there, through its reboots, until the keys are typed, nobody reads our
 * stdout any more, or the VM has ended: 0. 128+n after a signal; or negative with *e filled. */
int consoleline_run(const struct consoleline_ask *ask, struct err *e);

#endif
