/*
 * wreck - what a VM whose agent and vmm are dead left behind: sockets.
 */
#ifndef HOST_WRECK_H
#define HOST_WRECK_H

#include "host/state.h"

/* Only for a VM whose lock is ours, and whose machine is gone. */
void wreck_clear(const struct state *last);

#endif
