/*
 * setup - what a start does before it has to wait: descriptors, sockets, the vmm process.
 */
#ifndef HOST_SETUP_H
#define HOST_SETUP_H

#include "base/err.h"

struct agent;

#define STAGE_VMM "vmm" /* until the guest's first instruction */

/* The start's steps that need no waiting; the rest is events. 0 or negative with *e filled. */
int setup_begin(struct agent *a, struct err *e);

#endif
