/*
 * tunnel - a connection that came to a forward, and its other half in the guest.
 *
 * While the other half is on its way (host/dialler) nothing is read of the first: what a client
 * sends waits in its socket. Then bytes go both ways, each way ended for itself (base/relay). What
 * cannot be connected is reset, and so is either half when the other was.
 *
 * A fixed number of places for all forwards of a VM, in one mapping: pages that are not in use
 * cost nothing.
 */
#ifndef HOST_TUNNEL_H
#define HOST_TUNNEL_H

#include "base/relay.h"
#include "host/dialler.h"

/* Half of what the vmm's socket device connects: sessions and udp want some, too. */
enum { TUNNELS_MAX = 512 };

struct forward;
struct tunnels;

/* NULL with errno set. The number of places follows how many descriptors we may have. */
struct tunnels *tunnels_open(struct dialler *d);
void tunnels_close(struct tunnels *t);

/* Takes over fd, a connection that came to this forward; there must be room. The forward hears of
 * its end by forward_left(). */
void tunnel_start(struct tunnels *t, struct forward *f, int fd);

int tunnels_are_full(const struct tunnels *t);

#endif
