/*
 * pcihost - PCI bus 0: a host bridge, our functions, and how the guest reaches them.
 */
#include "vmm/pcihost.h"

#include <string.h>

#include "base/util.h"
#include "vmm/layout.h"

enum {
	ECAM_FUNCTION = 4096, /* bytes of each function's space */
	ECAM_SLOT = 8 * ECAM_FUNCTION,
	PORT_DATA = 4, /* behind PORT_PCI */
};

/* Vendor, device, class and header type are all a kernel asks of the bridge. */
static uint32_t bridge_read(unsigned off, unsigned size)
{
	static const uint32_t config[4] = {
		0x00081b36, /* Red Hat's generic PCI Express host bridge */
		0,
		0x06000000, /* class: host bridge */
		0,
	};
	uint32_t v = 0;

	if (off + size <= sizeof(config))
		memcpy(&v, (const uint8_t *)config + off, size);
	return v;
}

static uint32_t config_read(struct pcihost *h, unsigned slot, unsigned function, unsigned off,
			    unsigned size)
{
	if (size == 8 || function != 0 || (slot != 0 && !h->slot[slot]))
		return UINT32_MAX;
	if (off + size > PCI_CONFIG_BYTES)
		return 0; /* no extended capabilities */
	return slot == 0 ? bridge_read(off, size) : vpci_config_read(h->slot[slot], off, size);
}

static void config_write(struct pcihost *h, unsigned slot, unsigned function, unsigned off,
			 unsigned size, uint32_t value)
{
	if (size != 8 && function == 0 && h->slot[slot] && off + size <= PCI_CONFIG_BYTES)
		vpci_config_write(h->slot[slot], off, size, value);
}

static uint64_t ecam_read(void *ctx, uint64_t at, unsigned size)
{
	uint32_t v = config_read(ctx, (unsigned)(at / ECAM_SLOT) % PCI_SLOTS,
				 (unsigned)(at / ECAM_FUNCTION) % 8, at % ECAM_FUNCTION, size);

	return size == 8 ? UINT64_MAX : v;
}

static void ecam_write(void *ctx, uint64_t at, unsigned size, uint64_t value)
{
	config_write(ctx, (unsigned)(at / ECAM_SLOT) % PCI_SLOTS,
		     (unsigned)(at / ECAM_FUNCTION) % 8, at % ECAM_FUNCTION, size, (uint32_t)value);
}

/* Mechanism 1: enable, bus, slot, function, register; then a port for the register's 4 bytes. */
static int points_at_us(const struct pcihost *h)
{
	return h->address >> 31 && (h->address >> 16 & 0xff) == 0;
}

static uint64_t ports_read(void *ctx, uint64_t off, unsigned size)
{
	struct pcihost *h = ctx;

	if (off == 0 && size == 4)
		return h->address;
	if (off < PORT_DATA || !points_at_us(h))
		return UINT64_MAX;
	return config_read(h, h->address >> 11 & 31, h->address >> 8 & 7,
			   (h->address & 0xfc) + (unsigned)(off - PORT_DATA), size);
}

static void ports_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct pcihost *h = ctx;

	if (off == 0 && size == 4)
		h->address = (uint32_t)value & 0x80fffffc;
	else if (off >= PORT_DATA && points_at_us(h))
		config_write(h, h->address >> 11 & 31, h->address >> 8 & 7,
			     (h->address & 0xfc) + (unsigned)(off - PORT_DATA), size,
			     (uint32_t)value);
}

static struct vpci *at_window(const struct pcihost *h, uint64_t at, unsigned size, unsigned *off)
{
	uint64_t gpa = GPA_PCI_MEM + at;

	for (unsigned i = 1; i < PCI_SLOTS; i++) {
		uint32_t bar = h->slot[i] ? vpci_bar(h->slot[i]) : 0;

		if (bar && gpa >= bar && gpa - bar + size <= VPCI_BAR_BYTES) {
			*off = (unsigned)(gpa - bar);
			return h->slot[i];
		}
	}
	return NULL;
}

static uint64_t window_read(void *ctx, uint64_t at, unsigned size)
{
	unsigned off;
	struct vpci *p = at_window(ctx, at, size, &off);

	return p ? vpci_bar_read(p, off, size) : UINT64_MAX;
}

static void window_write(void *ctx, uint64_t at, unsigned size, uint64_t value)
{
	unsigned off;
	struct vpci *p = at_window(ctx, at, size, &off);

	if (p)
		vpci_bar_write(p, off, size, value);
}

void pcihost_attach(struct pcihost *h, struct bus *memory, struct bus *ports)
{
	bus_add(ports, &(struct bus_dev){ PORT_PCI, 8, h, ports_read, ports_write });
	bus_add(memory, &(struct bus_dev){ GPA_ECAM, GPA_ECAM_LEN, h, ecam_read, ecam_write });
	bus_add(memory,
		&(struct bus_dev){ GPA_PCI_MEM, GPA_PCI_MEM_LEN, h, window_read, window_write });
}
