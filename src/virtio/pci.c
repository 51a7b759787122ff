/*
 * pci - a virtio device as a PCI function (virtio 1.2 section 4.1; PCI 3.0; MSI-X, no INTx).
 */
#include "virtio/pci.h"

#include <string.h>

#include "base/util.h"
#include "virtio/pci_parts.h"

/* Configuration space. */
enum {
	CFG_COMMAND = 0x04,
	CFG_STATUS = 0x06,
	CFG_REVISION = 0x08,
	CFG_BAR0 = 0x10,
	CFG_SUBSYSTEM = 0x2c,
	CFG_CAP_POINTER = 0x34,

	/* our capabilities, one behind the other; the first is PCI_CAP_MSIX */
	CAP_COMMON = 0x50,
	CAP_NOTIFY = 0x60,
	CAP_ISR = 0x74,
	CAP_DEVICE = 0x84,
	CAP_PCI_CFG = 0x94,
	PCI_CFG_DATA = CAP_PCI_CFG + 16,

	STATUS_CAPABILITIES = 0x10,
	COMMAND_MASTER = 4,
	CAP_ID_MSIX = 0x11,
	CAP_ID_VENDOR = 0x09,
};

/* BAR 0. */
enum {
	BAR_PAGE = 0x1000,
	BAR_COMMON = 0x0000,
	BAR_ISR = 0x1000,
	BAR_DEVICE = 0x2000,
	BAR_MSIX_TABLE = 0x4000,
	BAR_MSIX_PBA = 0x5000,
};

static void put16(uint8_t *at, uint16_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* --- BAR 0 ---------------------------------------------------------------------------------- */

static uint32_t device_config_read(const struct vdev *dev, unsigned off, unsigned size)
{
	uint32_t v = 0;

	if (off < dev->config_len)
		memcpy(&v, (const uint8_t *)dev->config + off, MIN(size, dev->config_len - off));
	return v;
}

static uint32_t isr_read(struct vpci *p)
{
	uint8_t isr = p->isr;

	p->isr = 0; /* reading it is the acknowledgement: section 4.1.4.5 */
	return isr;
}

static uint32_t bar_read32(struct vpci *p, unsigned off, unsigned size)
{
	unsigned in_page = off % BAR_PAGE;

	switch (off - in_page) {
	case BAR_COMMON:
		return pcicommon_read(p, in_page, size);
	case BAR_ISR:
		return in_page == 0 ? isr_read(p) : 0;
	case BAR_DEVICE:
		return device_config_read(p->dev, in_page, size);
	case BAR_MSIX_TABLE:
		return size == 4 && off % 4 == 0 ? msix_table_read(p, in_page) : 0;
	case BAR_MSIX_PBA:
		return msix_pba_read(p, in_page);
	}
	return 0;
}

static void bar_write32(struct vpci *p, unsigned off, unsigned size, uint32_t value)
{
	unsigned in_page = off % BAR_PAGE;

	switch (off - in_page) {
	case BAR_COMMON:
		pcicommon_write(p, in_page, size, value);
		break;
	case VPCI_BAR_NOTIFY:
		/* Normally an ioeventfd takes this; here it comes while none is registered. */
		if (in_page / VPCI_NOTIFY_STEP < p->dev->type->nqueues)
			p->host->kick(p->host, (int)(in_page / VPCI_NOTIFY_STEP));
		break;
	case BAR_MSIX_TABLE:
		if (size == 4 && off % 4 == 0)
			msix_table_write(p, in_page, value);
		break;
	}
}

uint64_t vpci_bar_read(struct vpci *p, unsigned off, unsigned size)
{
	if (size < 8)
		return bar_read32(p, off, size);
	return bar_read32(p, off, 4) | (uint64_t)bar_read32(p, off + 4, 4) << 32;
}

void vpci_bar_write(struct vpci *p, unsigned off, unsigned size, uint64_t value)
{
	bar_write32(p, off, MIN(size, 4u), (uint32_t)value);
	if (size == 8)
		bar_write32(p, off + 4, 4, (uint32_t)(value >> 32));
}

/* --- configuration space -------------------------------------------------------------------- */

uint32_t vpci_bar(const struct vpci *p)
{
	if (!(pci_get16(&p->config[CFG_COMMAND]) & PCI_COMMAND_MEMORY))
		return 0;
	return get32(&p->config[CFG_BAR0]);
}

/* The window into BAR 0 for drivers that cannot map it (section 4.1.4.9); its length, or 0 when
 * the driver set it to something that is not inside. */
static unsigned pci_cfg_window(const struct vpci *p, unsigned *off)
{
	uint32_t at = get32(&p->config[CAP_PCI_CFG + 8]);
	uint32_t len = get32(&p->config[CAP_PCI_CFG + 12]);

	if (p->config[CAP_PCI_CFG + 4] != 0 || (len != 1 && len != 2 && len != 4) || at % len ||
	    at >= VPCI_BAR_BYTES)
		return 0;
	*off = at;
	return len;
}

uint32_t vpci_config_read(struct vpci *p, unsigned off, unsigned size)
{
	uint32_t v = 0;
	unsigned at, len;

	if (off == PCI_CFG_DATA && (len = pci_cfg_window(p, &at)) > 0)
		put32(&p->config[PCI_CFG_DATA], (uint32_t)vpci_bar_read(p, at, len));
	memcpy(&v, &p->config[off], size);
	return v;
}

void vpci_config_write(struct vpci *p, unsigned off, unsigned size, uint32_t value)
{
	uint32_t bar = vpci_bar(p);
	unsigned at, len;

	for (unsigned i = 0; i < size; i++) {
		uint8_t mask = p->writable[off + i];

		p->config[off + i] &= (uint8_t)~mask;
		p->config[off + i] |= (uint8_t)(value >> (8 * i)) & mask;
	}
	if (vpci_bar(p) != bar)
		p->host->moved(p->host);
	if (off < MSIX_CONTROL + 2 && off + size > MSIX_CONTROL)
		msix_changed(p);
	if (off == PCI_CFG_DATA && (len = pci_cfg_window(p, &at)) > 0)
		vpci_bar_write(p, at, len, get32(&p->config[PCI_CFG_DATA]));
}

static void add_cap(struct vpci *p, unsigned at, unsigned next, unsigned len, uint8_t type,
		    uint32_t off, uint32_t bytes)
{
	uint8_t *c = &p->config[at];

	c[0] = CAP_ID_VENDOR;
	c[1] = (uint8_t)next;
	c[2] = (uint8_t)len;
	c[3] = type; /* VIRTIO_PCI_CAP_*: section 4.1.4 */
	put32(c + 8, off);
	put32(c + 12, bytes);
}

static void add_capabilities(struct vpci *p)
{
	uint8_t *c = &p->config[PCI_CAP_MSIX];

	c[0] = CAP_ID_MSIX;
	c[1] = CAP_COMMON;
	put16(c + 2, (uint16_t)(p->nvectors - 1));
	put32(c + 4, BAR_MSIX_TABLE); /* the low bits, 0, are the BAR's number */
	put32(c + 8, BAR_MSIX_PBA);
	put16(&p->writable[MSIX_CONTROL], MSIX_ENABLE | MSIX_MASK_ALL);

	add_cap(p, CAP_COMMON, CAP_NOTIFY, 16, 1, BAR_COMMON, PCICOMMON_BYTES);
	add_cap(p, CAP_NOTIFY, CAP_ISR, 20, 2, VPCI_BAR_NOTIFY,
		VPCI_NOTIFY_STEP * p->dev->type->nqueues);
	put32(&p->config[CAP_NOTIFY + 16], VPCI_NOTIFY_STEP);
	/* Linux calls a window of no bytes a fault. */
	add_cap(p, CAP_ISR, p->dev->config_len ? CAP_DEVICE : CAP_PCI_CFG, 16, 3, BAR_ISR, 1);
	if (p->dev->config_len)
		add_cap(p, CAP_DEVICE, CAP_PCI_CFG, 16, 4, BAR_DEVICE, p->dev->config_len);
	add_cap(p, CAP_PCI_CFG, 0, 20, 5, 0, 0);
	p->writable[CAP_PCI_CFG + 4] = 0xff;
	memset(&p->writable[CAP_PCI_CFG + 8], 0xff, 12);
}

void vpci_init(struct vpci *p, struct vdev *dev, struct vpci_host *host, uint32_t class,
	       uint32_t bar)
{
	*p = (struct vpci){
		.dev = dev,
		.host = host,
		.config_vector = VQ_NO_VECTOR,
	};
	msix_attach(p);
	put32(&p->config[0], 0x1af4 | (0x1040u + dev->type->id) << 16); /* section 4.1.2 */
	put16(&p->config[CFG_STATUS], STATUS_CAPABILITIES);
	put32(&p->config[CFG_REVISION], class << 8 | 1);
	put32(&p->config[CFG_SUBSYSTEM], 0x1af4 | (0x40u + dev->type->id) << 16);
	p->config[CFG_CAP_POINTER] = PCI_CAP_MSIX;
	put16(&p->writable[CFG_COMMAND], PCI_COMMAND_MEMORY | COMMAND_MASTER);
	put32(&p->config[CFG_BAR0], bar);
	put32(&p->writable[CFG_BAR0], ~(uint32_t)(VPCI_BAR_BYTES - 1));
	add_capabilities(p);
}
