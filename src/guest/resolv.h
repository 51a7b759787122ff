/*
 * resolv - /etc/resolv.conf, as the host wants it.
 */
#ifndef GUEST_RESOLV_H
#define GUEST_RESOLV_H

#include "base/err.h"
#include "proto/desc.h"

/* Replaces it whole; where /etc cannot be written to, a file of /run is mounted over it. 0 or
 * negative with *e filled. */
int resolv_write(const struct guest_desc *g, struct err *e);

#endif
