/*
 * requests - what others ask of a VM's agent over agent.sock: a table of ops.
 *
 * {"op":WORD,...} is answered by {"ok":true,...} or {"ok":false,"error":SENTENCE}.
 */
#ifndef HOST_REQUESTS_H
#define HOST_REQUESTS_H

#include "host/control.h"

struct agent;

/* For control_start(). */
void requests_take(struct client *c, const json_t *request);

/* It has been paused, or goes on: for those who wait for that. */
void requests_tell_pause(struct agent *a);

/* The VM has ended: for those who wait for that. */
void requests_tell_end(struct agent *a);

#endif
