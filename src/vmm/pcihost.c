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
};

/* Vendor, device, class and header type are all a kernel asks of the bridge. */
static uint32_t bridge_read(unsigned off, unsigned size)
{
	static const uint32_t config[4] = {
		0x00081b36, /* Red Hat's generic PCI Express host bridge */
		0, 0x06000000, /* class: host bridge */
		0,
	};
	uint32_t v = 0;

	if (off + size <= sizeof(config))
		memcpy(&v, (const uint8_t *)config + off, size);
	return v;
}

static uint64_t ecam_read(void *ctx, uint64_t at, unsigned size)
{
	struct pcihost *h = ctx;
	unsigned slot = (unsigned)(at / ECAM_SLOT) % PCI_SLOTS;
	unsigned function = (unsigned)(at / ECAM_FUNCTION) % 8;
	unsigned off = (unsigned)(at % ECAM_FUNCTION);

	if (size == 8 || function != 0 || (slot != 0 && !h->slot[slot]))
		return UINT64_MAX;
	if (off + size > PCI_CONFIG_BYTES)
		return 0; /* no extended capabilities */
	return slot == 0 ? bridge_read(off, size) : vpci_config_read(h->slot[slot], off, size);
}

static void ecam_write(void *ctx, uint64_t at, unsigned size, uint64_t value)
{
	struct pcihost *h = ctx;
	unsigned slot = (unsigned)(at / ECAM_SLOT) % PCI_SLOTS;
	unsigned off = (unsigned)(at % ECAM_FUNCTION);

	if (size != 8 && at / ECAM_FUNCTION % 8 == 0 && h->slot[slot] &&
	    off + size <= PCI_CONFIG_BYTES)
		vpci_config_write(h->slot[slot], off, size, (uint32_t)value);
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

void pcihost_attach(struct pcihost *h, struct bus *memory)
{
	bus_add(memory, &(struct bus_dev){ GPA_ECAM, GPA_ECAM_LEN, h, ecam_read, ecam_write });
	bus_add(memory,
		&(struct bus_dev){ GPA_PCI_MEM, GPA_PCI_MEM_LEN, h, window_read, window_write });
}
