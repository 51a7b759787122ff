/*
 * slot - a PCI slot of this board: it ties a virtio device to KVM's interrupts and to the loop.
 *
 * Notifications arrive as ioeventfds in the loop, interrupts leave through irqfds: on the data
 * path no vCPU thread comes by here.
 */
#ifndef VMM_SLOT_H
#define VMM_SLOT_H

#include "base/loop.h"
#include "virtio/pci.h"
#include "vmm/vm.h"

struct slot_kick {
	struct slot *s;	    /* borrowed: the slot it is part of */
	struct watch watch; /* owned eventfd */
	int is_lent;	    /* somebody else waits for it */
};

struct slot {
	struct vpci_host host;
	struct vpci pci;
	struct vm *vm;	   /* borrowed */
	struct loop *loop; /* borrowed */
	struct slot_kick queue[VDEV_QUEUES_MAX];
	struct slot_kick run;	     /* status changes */
	int irqfd[VPCI_VECTORS_MAX]; /* owned */
	int gsi[VPCI_VECTORS_MAX];
	uint8_t held[VPCI_VECTORS_MAX]; /* the irqfd is KVM's no more: the driver masked the vector */
	uint32_t bar; /* where the ioeventfds are registered; 0: nowhere */
};

/* An initialised device goes live at `bar`. 0 or a negative errno. */
int slot_open(struct slot *s, struct vdev *dev, uint32_t class, uint32_t bar, struct vm *vm,
	      struct loop *l);

/* Queue q is served by somebody else, in the host's kernel: *kick is what the driver notifies it by, *call
 * what interrupts the driver. 0, or -ENOTSUP: the driver takes no interrupts. */
int slot_lend(struct slot *s, unsigned q, int *kick, int *call);

/* It is ours again; also where it was not lent. */
void slot_take_back(struct slot *s, unsigned q);

/* As if the driver had notified it. */
void slot_kick_queue(struct slot *s, unsigned q);

#endif
