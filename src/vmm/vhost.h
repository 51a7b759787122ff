/*
 * vhost - a network device's rings served by the host's kernel (/dev/vhost-net), on a tap.
 *
 * Frames then pass by this process: the kernel is woken by the guest's notifications and interrupts it
 * itself. What a hostile driver writes into its rings goes to that kernel, which checks it; a ring that it
 * finds broken is told here, and the device waits for its reset as with rings of ours.
 */
#ifndef VMM_VHOST_H
#define VMM_VHOST_H

#include "base/loop.h"
#include "vmm/slot.h"

struct vhost {
	int fd;		   /* borrowed: /dev/vhost-net; -1: not to be had */
	struct slot *slot; /* borrowed: the device's */
	struct loop *loop; /* borrowed */
	int is_serving;
	struct watch error;		 /* owned eventfd */
	void (*broken)(struct vhost *v); /* the driver broke a ring */
};

/* v is zeroed memory that must not move, and the process is not in its sandbox yet. 0 or a negative errno. */
int vhost_open(struct vhost *v, int fd, const struct gmem *m, struct slot *s, struct loop *l);

/* The rings, as they were agreed on and started, are the kernel's. 0; or negative, and they are not: the
 * driver wants what it does not have, or it refuses. */
int vhost_serve(struct vhost *v, int tap);

/* They are ours again, where it stopped. */
void vhost_stop(struct vhost *v);

#endif
