/*
 * published - the forwards that a VM's agent keeps: opened as vm.ini says, told in its events.
 */
#ifndef HOST_PUBLISHED_H
#define HOST_PUBLISHED_H

#include "base/err.h"

struct agent;

/* Listens on all that `publish` asks for, so that a start fails before anything runs. 0 or negative
 * with *e filled. */
int published_open(struct agent *a, struct err *e);

/* The same for an agent that takes over a VM which runs: what cannot be is told, and no reason to
 * give it up. */
void published_rejoin(struct agent *a);

/* Of another boot under the same agent, whose forwards listen all the while: where strangers are to be
 * greeted. 0 or negative with *e filled. */
int published_expect_ssh(struct agent *a, struct err *e);

/* Whether the guest answers has changed. */
void published_ready(struct agent *a, int is_up);

#endif
