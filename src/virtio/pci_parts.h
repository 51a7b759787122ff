/*
 * pci_parts - what a virtio device's PCI function consists of. For virtio/pci and its parts only.
 */
#ifndef VIRTIO_PCI_PARTS_H
#define VIRTIO_PCI_PARTS_H

#include <stdint.h>
#include <string.h>

#include "virtio/pci.h"

enum {
	PCI_CAP_MSIX = 0x40, /* the first of our capabilities */
	MSIX_CONTROL = PCI_CAP_MSIX + 2,
	MSIX_ENABLE = 0x8000,
	MSIX_MASK_ALL = 0x4000,

	ISR_QUEUE = 1,
	ISR_CONFIG = 2,

	PCICOMMON_BYTES = 56, /* virtio 1.2 section 4.1.4.3 */
};

static inline uint16_t pci_get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* virtio/msix: the device's interrupts. */
void msix_attach(struct vpci *p);
uint32_t msix_table_read(const struct vpci *p, unsigned off);
void msix_table_write(struct vpci *p, unsigned off, uint32_t value);
uint32_t msix_pba_read(const struct vpci *p, unsigned off);

/* Masks may have fallen: what waited behind them goes now. Or risen. */
void msix_changed(struct vpci *p);

/* virtio/pcicommon: the common configuration. size is 1, 2 or 4. */
uint32_t pcicommon_read(struct vpci *p, unsigned off, unsigned size);
void pcicommon_write(struct vpci *p, unsigned off, unsigned size, uint32_t value);

#endif
