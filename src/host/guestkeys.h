/*
 * guestkeys - the SSH host keys of a guest of ours, asked for where nobody stands in between.
 *
 * Its agent is reached over vsock, so what it says is known to be its own before a first
 * connection over any network. The bytes are the guest's all the same.
 */
#ifndef HOST_GUESTKEYS_H
#define HOST_GUESTKEYS_H

#include "host/pins.h"

/* Of a VM by its name, or of unix:PATH. Blocks for some seconds at most. 0 or negative with *e
 * filled; what the guest's own commands say of it goes to stderr. */
int guestkeys_ask(struct hostkeys *keys, const char *name, struct err *e);

#endif
