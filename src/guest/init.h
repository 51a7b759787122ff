/*
 * init - process 1 of the guest: brings it up, serves the host, ends it in order.
 */
#ifndef GUEST_INIT_H
#define GUEST_INIT_H

#include "base/err.h"

/* For process 1 only, and then it does not return. Otherwise -EPERM with *e filled. */
int init_run(struct err *e);

#endif
