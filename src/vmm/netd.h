/*
 * netd - the host end of a network device: a tap interface, or passt at the other end of a socket.
 *
 * Runs on the loop's thread, under the machine's lock; nothing here blocks. A tap's frames go between
 * the guest's buffers and the host's kernel without a stop: the kernel takes the virtio header, and does
 * what was left to it; or it serves the rings itself (vmm/vhost), and frames do not come by here at all.
 * Rates hold for each direction by itself.
 */
#ifndef VMM_NETD_H
#define VMM_NETD_H

#include "base/loop.h"
#include "proto/spec.h"
#include "virtio/framestream.h"
#include "virtio/ratelimit.h"
#include "vmm/vhost.h"

/* One direction. */
struct netd_way {
	struct ratelimit limit;
	struct timer later; /* the limit lets it go on */
};

struct netd {
	struct net_host host;
	struct net *net;    /* borrowed */
	struct loop *loop;  /* borrowed */
	const char *name;   /* borrowed: for the log */
	struct watch watch; /* borrowed fd; -1 once the other end has gone */
	int is_stream;
	int wants_in, wants_out;
	uint32_t events;
	struct timer held;
	struct netd_way rx, tx;
	struct framestream stream;
	struct vhost vhost; /* of a tap, where there is one */
	struct watch links; /* owned: with that, news of the host's interfaces */
};

/* While the process is still among the host's interfaces, and will not be (vmm/namespaces): news of them, where
 * a tap of d's needs those. */
void netd_look_out(struct netd *d, const struct spec_nic *s);

/* d is zeroed memory that must not move, and has looked out; the slot is the device's, and need not be open yet. Descriptors are
 * borrowed. 0 or a negative errno. */
int netd_start(struct netd *d, struct net *n, const struct spec_nic *s, const char *name,
	       struct slot *slot, struct loop *l);

#endif
