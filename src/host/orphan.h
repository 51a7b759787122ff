/*
 * orphan - a VM whose agent has died: it gets another; or, if its machine is gone too, its end is
 * written down.
 *
 * Done by whatever command comes next, of the ones that look at a VM.
 */
#ifndef HOST_ORPHAN_H
#define HOST_ORPHAN_H

#include "host/state.h"

/* *s as state_read() gave it; afterwards what is true now. Where somebody else is at it, or the
 * folder cannot be written to, *s stays as it is: that is true as well. 0 or negative with *e
 * filled: the state cannot be read any more. */
int orphan_care(struct vmref *v, struct state *s, struct err *e);

/* The same for whoever holds the lock. 1: a new agent holds it now and *s is true; 0: there was
 * nothing to be done, or only to be written down, and the lock is still ours; or negative. */
int orphan_care_locked(struct vmref *v, struct state *s, struct err *e);

/* The lock is ours, and agent and vmm are dead: what they left is cleared away, and their end, which
 * *s tells, written down with its event. 0 or negative with *e filled. */
int orphan_end(struct vmref *v, struct state *s, int ran, struct err *e);

#endif
