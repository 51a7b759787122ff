/*
 * msix - the interrupts of a virtio device's PCI function: its vectors, which are masked, which wait.
 */
#include "virtio/pci_parts.h"

enum { MSIX_ENTRY = 16 };

static int msix_on(const struct vpci *p)
{
	return pci_get16(&p->config[MSIX_CONTROL]) & MSIX_ENABLE;
}

static int deliverable(const struct vpci *p, unsigned v)
{
	return msix_on(p) && !(pci_get16(&p->config[MSIX_CONTROL]) & MSIX_MASK_ALL) &&
	       !p->vector[v].masked;
}

int vpci_delivers(const struct vpci *p, uint16_t vector)
{
	return vector < p->nvectors && deliverable(p, vector);
}

void msix_changed(struct vpci *p)
{
	for (unsigned v = 0; v < p->nvectors; v++) {
		if (!deliverable(p, v)) {
			p->host->hold(p->host, v);
			continue;
		}
		p->host->route(p->host, v);
		if (p->vector[v].pending)
			p->host->fire(p->host, v);
		p->vector[v].pending = 0;
	}
}

static void interrupt(struct vdev *dev, int q)
{
	struct vpci *p = dev->transport;
	uint16_t v = q < 0 ? p->config_vector : dev->vq[q].vector;

	if (!msix_on(p)) {
		p->isr |= q < 0 ? ISR_CONFIG : ISR_QUEUE;
		return;
	}
	if (v >= p->nvectors)
		return; /* VQ_NO_VECTOR: the driver polls */
	if (deliverable(p, v))
		p->host->fire(p->host, v);
	else
		p->vector[v].pending = 1;
}

static void again(struct vdev *dev, unsigned q)
{
	struct vpci *p = dev->transport;

	p->host->kick(p->host, (int)q);
}

uint32_t msix_table_read(const struct vpci *p, unsigned off)
{
	const struct vpci_vector *v;

	if (off / MSIX_ENTRY >= p->nvectors)
		return 0;
	v = &p->vector[off / MSIX_ENTRY];
	switch (off % MSIX_ENTRY) {
	case 0:
		return (uint32_t)v->address;
	case 4:
		return (uint32_t)(v->address >> 32);
	case 8:
		return v->data;
	case 12:
		return v->masked;
	}
	return 0;
}

void msix_table_write(struct vpci *p, unsigned off, uint32_t value)
{
	struct vpci_vector *v;

	if (off / MSIX_ENTRY >= p->nvectors)
		return;
	v = &p->vector[off / MSIX_ENTRY];
	switch (off % MSIX_ENTRY) {
	case 0:
		v->address = (v->address & ~0xffffffffull) | value;
		break;
	case 4:
		v->address = (v->address & 0xffffffffull) | (uint64_t)value << 32;
		break;
	case 8:
		v->data = value;
		break;
	case 12:
		v->masked = value & 1;
		break;
	}
	msix_changed(p);
}

uint32_t msix_pba_read(const struct vpci *p, unsigned off)
{
	uint32_t bits = 0;

	for (unsigned v = 0; off == 0 && v < p->nvectors; v++)
		bits |= (uint32_t)p->vector[v].pending << v;
	return bits;
}

void msix_attach(struct vpci *p)
{
	p->nvectors = p->dev->type->nqueues + 1;
	for (unsigned v = 0; v < p->nvectors; v++)
		p->vector[v].masked = 1;
	p->dev->transport = p;
	p->dev->interrupt = interrupt;
	p->dev->again = again;
}
