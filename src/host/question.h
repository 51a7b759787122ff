/*
 * question - one request to a VM's agent and its answer, for a caller that may wait, but not for long.
 */
#ifndef HOST_QUESTION_H
#define HOST_QUESTION_H

#include <jansson.h>

#include "host/state.h"

enum { QUESTION_MS = 5000 }; /* an agent answers at once: who takes that long hangs */

/* Takes over the request. 0 and *answer, the caller's; or negative with *e filled: the agent's own
 * sentence, when it has one (-EREMOTEIO). */
int question_ask(json_t **answer, const struct state *s, json_t *request, struct err *e);

/* The same, of the agent that is there by now: one that dies over it has a successor, which is asked
 * once more, and *s is what that one says. For requests that may be made twice. */
int question_ask_live(json_t **answer, struct vmref *v, struct state *s, json_t *request,
		      struct err *e);

#endif
