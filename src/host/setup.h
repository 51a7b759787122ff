/*
 * setup - what a start does before it has to wait: descriptors, sockets, the vmm process.
 */
#ifndef HOST_SETUP_H
#define HOST_SETUP_H

#include "base/err.h"

struct agent;

#define STAGE_VMM "vmm" /* until the guest's first instruction */

/* Its own sockets: the beacon's and agent.sock. 0 or negative with *e filled. */
int setup_listen(struct agent *a, struct err *e);

/* To a vmm that runs already. 0 or negative with *e filled. */
int setup_rejoin(struct agent *a, struct err *e);

/* The same steps for another boot under the same agent: agent.sock stays. */
int setup_again(struct agent *a, struct err *e);

/* The start's steps that need no waiting; the rest is events. 0 or negative with *e filled. */
int setup_begin(struct agent *a, struct err *e);

#endif
