/*
 * tap - a tap interface of this host's, opened for a machine.
 *
 * It must be there already: what is to be done with it (a bridge, an address, rules) is its
 * administrator's, and would be gone with one that we made.
 */
#ifndef HOST_TAP_H
#define HOST_TAP_H

#include <stdint.h>

#include "base/err.h"

/* Its queue, which takes the virtio header; *mtu is the interface's. Or negative with *e filled. */
int tap_open(const char *name, uint16_t *mtu, struct err *e);

/* What serves a tap's rings in the host's kernel. A descriptor, or negative with *e filled. */
int tap_vhost(struct err *e);

/* Whether taps can be opened at all. 0 or negative with *e filled. */
int tap_check(struct err *e);

#endif
