/*
 * pci - a virtio device as a PCI function (virtio 1.2 section 4.1; PCI 3.0; MSI-X, no INTx).
 *
 * Everything here is a register that the guest reads or writes: any value, any size, any moment.
 * Calls come from vCPU threads under the machine's lock. What needs the rest of the machine
 * (an interrupt, the loop's thread, a moved window) goes through `struct vpci_host`.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include <stdint.h>

#include "virtio/vdev.h"

enum {
	PCI_CONFIG_BYTES = 256,
	PCI_COMMAND_MEMORY = 2,

	VPCI_VECTORS_MAX = VDEV_QUEUES_MAX + 1,
	VPCI_BAR_BYTES = 0x8000,
	VPCI_BAR_NOTIFY = 0x3000, /* queue q is notified by a write to + q * VPCI_NOTIFY_STEP */
	VPCI_NOTIFY_STEP = 4,
};

struct vpci_vector {
	uint64_t address;
	uint32_t data;
	uint8_t masked;
	uint8_t pending;
};

struct vpci;

struct vpci_host {
	/* The vector's message was set while it can be delivered, or it became deliverable. */
	void (*route)(struct vpci_host *h, unsigned vector);
	/* It cannot be delivered now: who fires it by himself is to be held back. */
	void (*hold)(struct vpci_host *h, unsigned vector);
	void (*fire)(struct vpci_host *h, unsigned vector);
	/* Call vdev_notify(q), or vdev_run() for q < 0, on the loop's thread. */
	void (*kick)(struct vpci_host *h, int q);
	/* vpci_bar() has another value than before. */
	void (*moved)(struct vpci_host *h);
};

struct vpci {
	struct vdev *dev;	/* borrowed */
	struct vpci_host *host; /* borrowed */
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES]; /* bits of config the guest may change */
	unsigned nvectors;
	struct vpci_vector vector[VPCI_VECTORS_MAX];
	uint16_t config_vector;
	uint32_t device_feature_select, driver_feature_select;
	uint16_t queue_select;
	uint8_t isr;
};

/* bar: the address the function answers at from the start, a multiple of VPCI_BAR_BYTES. */
void vpci_init(struct vpci *p, struct vdev *dev, struct vpci_host *host, uint32_t class,
	       uint32_t bar);

/* Whether the driver can be interrupted by this vector now. */
int vpci_delivers(const struct vpci *p, uint16_t vector);

/* Where BAR 0 answers now; 0 while memory decoding is off. */
uint32_t vpci_bar(const struct vpci *p);

/* size is 1, 2 or 4, off + size <= PCI_CONFIG_BYTES. */
uint32_t vpci_config_read(struct vpci *p, unsigned off, unsigned size);
void vpci_config_write(struct vpci *p, unsigned off, unsigned size, uint32_t value);

/* size is 1, 2, 4 or 8, off + size <= VPCI_BAR_BYTES. */
uint64_t vpci_bar_read(struct vpci *p, unsigned off, unsigned size);
void vpci_bar_write(struct vpci *p, unsigned off, unsigned size, uint64_t value);

#endif
