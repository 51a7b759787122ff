/*
 * bare - a machine without a VM: no folder, no agent, no proof; it ends with whoever started it.
 *
 * Its serial port is our terminal, or our stdin and stdout. The vmm process is the same as a VM's,
 * and gets the same from us as from an agent.
 */
#ifndef HOST_BARE_H
#define HOST_BARE_H

#include "host/config.h"
#include "host/detachkeys.h"

struct bare_ask {
	const struct wish *wish;
	const char *vsock;	/* where its socket device listens; NULL: it has none */
	const char *console;	/* a file that gets what the guest says as well, or NULL */
	struct detachkeys keys; /* that end it */
};

/* 0: the guest powered off, or rebooted where that ends it; 128+n: it was ended by a signal, which
 * the keys stand for; or negative with *e filled. */
int bare_run(const struct bare_ask *ask, struct err *e);

#endif
