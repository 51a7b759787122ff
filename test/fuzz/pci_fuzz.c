/*
 * The PCI bus under a guest that writes anything anywhere: configuration space by memory and by ports, and the
 * windows of two functions, which it may lay over each other. Input: acts of 8 bytes: a way and a size, an
 * offset (2), which 64 KiB, a value (4). What the guest may not change stays; a device that is driven keeps its
 * rings; the host hears of each move of a window; and no vector is fired that is masked.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/toy.h"
#include "base/util.h"
#include "virtio/pci.h"
#include "vmm/layout.h"
#include "vmm/pcihost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUNCTIONS = 2 };

struct function {
	struct vpci_host host;
	struct vdev dev;
	struct vpci pci;
	uint8_t born[PCI_CONFIG_BYTES], writable[PCI_CONFIG_BYTES];
	uint32_t bar; /* as it was last told */
	int kicked;   /* bits of queues; bit QUEUES: to be run */
	struct vq before[QUEUES];
	int driven; /* before the act: DRIVER_OK */
};

static struct function function[FUNCTIONS];
static struct pcihost bridge;
static struct bus memory, ports;

static void must(int holds)
{
	if (!holds)
		abort();
}

static struct function *of_host(struct vpci_host *h)
{
	return CONTAINER(h, struct function, host);
}

static void route(struct vpci_host *h, unsigned v)
{
	must(vpci_delivers(&of_host(h)->pci, (uint16_t)v));
}

static void hold(struct vpci_host *h, unsigned v)
{
	must(v < of_host(h)->pci.nvectors && !vpci_delivers(&of_host(h)->pci, (uint16_t)v));
}

static void kick(struct vpci_host *h, int q)
{
	must(q < QUEUES);
	of_host(h)->kicked |= 1 << (q < 0 ? QUEUES : q);
}

static void moved(struct vpci_host *h)
{
	of_host(h)->bar = vpci_bar(&of_host(h)->pci);
}

static void plug_in(struct function *f, unsigned slot)
{
	f->host = (struct vpci_host){ route, hold, route, kick, moved };
	f->kicked = 0;
	vdev_init(&f->dev, &toy, &mem, config, sizeof(config));
	vpci_init(&f->pci, &f->dev, &f->host, 0xff0000, (uint32_t)GPA_PCI_MEM + (slot - 1) * VPCI_BAR_BYTES);
	f->bar = vpci_bar(&f->pci);
	memcpy(f->born, f->pci.config, sizeof(f->born));
	memcpy(f->writable, f->pci.writable, sizeof(f->writable));
	bridge.slot[slot] = &f->pci;
}

static void loop_turn(struct function *f)
{
	int kicked = f->kicked;

	f->kicked = 0;
	if (kicked & 1 << QUEUES)
		vdev_run(&f->dev);
	for (unsigned q = 0; q < QUEUES; q++)
		if (kicked & 1 << q)
			vdev_notify(&f->dev, q);
}

static void act(const uint8_t a[8])
{
	uint32_t off = (uint32_t)(a[1] | a[2] << 8 | (a[3] & 15) << 16), value;
	unsigned size = 1u << (a[0] >> 4 & 3);
	uint64_t both;

	memcpy(&value, a + 4, 4);
	both = (uint64_t)value << 32 | value;
	switch (a[0] & 7) {
	case 0:
		bus_read(&memory, GPA_ECAM + off, size);
		break;
	case 1:
		bus_write(&memory, GPA_ECAM + off, size, both);
		break;
	case 2:
		bus_read(&ports, PORT_PCI + off % 8, size);
		break;
	case 3:
		bus_write(&ports, PORT_PCI + off % 8, size, both);
		break;
	case 4:
		bus_read(&memory, GPA_PCI_MEM + off, size);
		break;
	case 5:
		bus_write(&memory, GPA_PCI_MEM + off, size, both);
		break;
	case 6: /* the far end of where windows may lie */
		bus_write(&memory, GPA_PCI_MEM + GPA_PCI_MEM_LEN - VPCI_BAR_BYTES + off % VPCI_BAR_BYTES, size, both);
		break;
	case 7:
		loop_turn(&function[a[3] % FUNCTIONS]);
		break;
	}
}

static int same_rings(const struct vq *a, const struct vq *b)
{
	return a->desc_at == b->desc_at && a->avail_at == b->avail_at && a->used_at == b->used_at && a->size == b->size;
}

static void look(const struct function *f)
{
	for (unsigned i = 0; i < PCI_CONFIG_BYTES; i++)
		must(((f->pci.config[i] ^ f->born[i]) & ~f->writable[i]) == 0);
	must(memcmp(f->writable, f->pci.writable, sizeof(f->writable)) == 0);
	must(f->bar == vpci_bar(&f->pci));
	for (unsigned q = 0; q < QUEUES; q++) {
		const struct vq *vq = &f->dev.vq[q];

		must(vq->size <= toy.queue_max && (vq->size & (vq->size - 1)) == 0);
		must(!f->driven || !vq->enabled || same_rings(vq, &f->before[q]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(ram, 0, sizeof(ram));
	memory.count = ports.count = 0;
	pcihost_attach(&bridge, &memory, &ports);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		plug_in(&function[i], i + 1);
	for (size_t at = 0; at + 8 <= size && at < 4096; at += 8) {
		for (unsigned i = 0; i < FUNCTIONS; i++) {
			memcpy(function[i].before, function[i].dev.vq, sizeof(function[i].before));
			function[i].driven = function[i].dev.status & VDEV_DRIVER_OK;
		}
		act(data + at);
		for (unsigned i = 0; i < FUNCTIONS; i++)
			look(&function[i]);
	}
	return 0;
}
