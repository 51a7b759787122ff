/*
 * pcihost - PCI bus 0: a host bridge, our functions, and how the guest reaches them.
 *
 * Configuration space is memory (ECAM, PCI Express 3.0 section 7.2.2) and, for kernels that look
 * there first, the two ports of mechanism 1 (PCI 3.0 section 3.2.2.3.2). The functions' windows lie
 * in one range of the memory bus, where each is found at the address its BAR holds now.
 */
#ifndef VMM_PCIHOST_H
#define VMM_PCIHOST_H

#include "virtio/pci.h"
#include "vmm/bus.h"

enum { PCI_SLOTS = 32 };

struct pcihost {
	struct vpci *slot[PCI_SLOTS]; /* borrowed; slot 0 is the bridge itself and stays NULL */
	uint32_t address;	      /* what mechanism 1 points at */
};

void pcihost_attach(struct pcihost *h, struct bus *memory, struct bus *ports);

#endif
