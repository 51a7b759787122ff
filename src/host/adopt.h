/*
 * adopt - what an agent does instead of a start when it takes over a VM that has lost its own.
 *
 * The vmm serves vsock.sock all the while; what comes back with us is agent.sock, the beacon's
 * socket, the clock, the deadline of a start and the end of a stop that were under way.
 */
#ifndef HOST_ADOPT_H
#define HOST_ADOPT_H

#include "base/err.h"

struct agent;

/* With the VM's state read. 0 or negative with *e filled: nothing has been done to the VM then. */
int adopt_begin(struct agent *a, struct err *e);

#endif
