/*
 * wreck - what an agent that was killed left behind: a vmm, sockets.
 */
#ifndef HOST_WRECK_H
#define HOST_WRECK_H

#include "host/state.h"

/* Only for a VM whose lock is ours, and so has no agent. */
void wreck_clear(const struct state *last);

#endif
