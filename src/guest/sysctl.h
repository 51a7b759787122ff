/*
 * sysctl - the kernel's knobs below /proc/sys.
 */
#ifndef GUEST_SYSCTL_H
#define GUEST_SYSCTL_H

#include "base/err.h"
#include "proto/desc.h"

/* Sets all, going on after a failure. 0; or negative with *e filled, naming the first. */
int sysctl_set_all(const struct desc_sysctl *s, uint32_t n, struct err *e);

#endif
