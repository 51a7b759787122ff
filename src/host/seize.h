/*
 * seize - the lock of a VM, for whoever wants to change what nobody may use meanwhile.
 */
#ifndef HOST_SEIZE_H
#define HOST_SEIZE_H

#include "host/state.h"

/* Others that are busy with it for a moment are waited for, and named when they do not come to an
 * end; a VM that lives is ended first, or is a reason to refuse. 0: locked; -EBUSY: it lives;
 * -EAGAIN: others are busy with it; -ESTALE: it has been removed; or another negative with *e
 * filled, in these cases as well. */
int seize(struct vmref *v, int by_force, struct err *e);

#endif
