/*
 * successor - the agent of a VM after the one that was asked and did not answer.
 *
 * An agent that was killed leaves a VM whose next one begins; one that has just begun does not
 * listen yet, and replaces state.json when it does.
 */
#ifndef HOST_SUCCESSOR_H
#define HOST_SUCCESSOR_H

#include <stdint.h>

#include "host/news.h"
#include "host/state.h"

/* Whether this, from a connection to an agent, may mean that it is another's turn. */
int successor_may_answer(long rc);

/* Waits for it, or starts it; `news` are of the VM's folder, from before it was asked. 1: *s is true
 * now, and its agent is to be asked again; 0: *s is true now, as far as it can be read, and there is
 * nobody to ask. */
int successor_find(struct vmref *v, struct state *s, struct news *news, int64_t deadline_ms);

#endif
