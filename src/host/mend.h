/*
 * mend - a state.json that is damaged: an agent that lives knows better and writes it anew; of a machine that lost
 * its agent as well it is told again from its process, its folder and its events; of a VM that does not run it is
 * begun anew.
 *
 * vmtool never leaves half of one; an editor, or a file system after a crash, may.
 */
#ifndef HOST_MEND_H
#define HOST_MEND_H

#include <signal.h>

#include "host/state.h"

/* What an agent is sent for it; nobody else whom a stale lock may name minds it. */
#define MEND_SIG SIGWINCH

/* As state_read(), which it is where nothing is damaged. What was done about it is told on stderr. 0; or
 * negative with *e filled: it cannot be mended, as of a machine whose events or sockets are gone, too. */
int mend_read(struct state *s, struct vmref *v, struct err *e);

#endif
