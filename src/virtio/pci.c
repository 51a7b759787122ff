/*
 * pci - a virtio device as a PCI function (virtio 1.2 section 4.1; PCI 3.0; MSI-X, no INTx).
 */
#include "virtio/pci.h"

#include <string.h>

#include "base/util.h"

/* Configuration space. */
enum {
	CFG_COMMAND = 0x04,
	CFG_STATUS = 0x06,
	CFG_REVISION = 0x08,
	CFG_BAR0 = 0x10,
	CFG_SUBSYSTEM = 0x2c,
	CFG_CAP_POINTER = 0x34,

	/* our capabilities, one behind the other */
	CAP_MSIX = 0x40,
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
	MSIX_CONTROL = CAP_MSIX + 2,
	MSIX_ENABLE = 0x8000,
	MSIX_MASK_ALL = 0x4000,
};

/* BAR 0. */
enum {
	BAR_PAGE = 0x1000,
	BAR_COMMON = 0x0000,
	BAR_ISR = 0x1000,
	BAR_DEVICE = 0x2000,
	BAR_MSIX_TABLE = 0x4000,
	BAR_MSIX_PBA = 0x5000,

	MSIX_ENTRY = 16,
	ISR_QUEUE = 1,
	ISR_CONFIG = 2,
};

static void put16(uint8_t *at, uint16_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* --- interrupts ----------------------------------------------------------------------------- */

static int msix_on(const struct vpci *p)
{
	return get16(&p->config[MSIX_CONTROL]) & MSIX_ENABLE;
}

static int deliverable(const struct vpci *p, unsigned v)
{
	return msix_on(p) && !(get16(&p->config[MSIX_CONTROL]) & MSIX_MASK_ALL) &&
	       !p->vector[v].masked;
}

int vpci_delivers(const struct vpci *p, uint16_t vector)
{
	return vector < p->nvectors && deliverable(p, vector);
}

/* Masks may have fallen: what waited behind them goes now. Or risen. */
static void vectors_changed(struct vpci *p)
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

static void vpci_interrupt(struct vdev *dev, int q)
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

static void vpci_again(struct vdev *dev, unsigned q)
{
	struct vpci *p = dev->transport;

	p->host->kick(p->host, (int)q);
}

static uint32_t msix_read(const struct vpci *p, unsigned off)
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

static void msix_write(struct vpci *p, unsigned off, uint32_t value)
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
	vectors_changed(p);
}

static uint32_t pba_read(const struct vpci *p, unsigned off)
{
	uint32_t bits = 0;

	for (unsigned v = 0; off == 0 && v < p->nvectors; v++)
		bits |= (uint32_t)p->vector[v].pending << v;
	return bits;
}

/* --- the common configuration (section 4.1.4.3) --------------------------------------------- */

static struct vq *selected(struct vpci *p)
{
	return p->queue_select < p->dev->type->nqueues ? &p->dev->vq[p->queue_select] : NULL;
}

/* The selected queue, while the driver may still change it (CVE-2026-5747 was this missing). */
static struct vq *changeable(struct vpci *p)
{
	return vdev_queues_open(p->dev) ? selected(p) : NULL;
}

static uint16_t known_vector(const struct vpci *p, uint32_t v)
{
	return v < p->nvectors ? (uint16_t)v : VQ_NO_VECTOR;
}

static uint32_t get_device_feature_select(struct vpci *p)
{
	return p->device_feature_select;
}

static void set_device_feature_select(struct vpci *p, uint32_t v)
{
	p->device_feature_select = v;
}

static uint32_t get_device_feature(struct vpci *p)
{
	return p->device_feature_select < 2
		       ? (uint32_t)(vdev_features(p->dev) >> (32 * p->device_feature_select))
		       : 0;
}

static uint32_t get_driver_feature_select(struct vpci *p)
{
	return p->driver_feature_select;
}

static void set_driver_feature_select(struct vpci *p, uint32_t v)
{
	p->driver_feature_select = v;
}

static uint32_t get_driver_feature(struct vpci *p)
{
	return p->driver_feature_select < 2
		       ? (uint32_t)(p->dev->driver_features >> (32 * p->driver_feature_select))
		       : 0;
}

static void set_driver_feature(struct vpci *p, uint32_t v)
{
	unsigned shift = 32 * (p->driver_feature_select & 1);

	if (p->driver_feature_select > 1 || p->dev->status & VDEV_FEATURES_OK)
		return;
	p->dev->driver_features &= ~(0xffffffffull << shift);
	p->dev->driver_features |= (uint64_t)v << shift;
}

static uint32_t get_config_vector(struct vpci *p)
{
	return p->config_vector;
}

static void set_config_vector(struct vpci *p, uint32_t v)
{
	p->config_vector = known_vector(p, v);
}

static uint32_t get_num_queues(struct vpci *p)
{
	return p->dev->type->nqueues;
}

static uint32_t get_status(struct vpci *p)
{
	return p->dev->status;
}

static void set_status(struct vpci *p, uint32_t v)
{
	if (v == 0)
		p->config_vector = VQ_NO_VECTOR;
	if (vdev_set_status(p->dev, (uint8_t)v))
		p->host->kick(p->host, -1);
}

static uint32_t get_zero(struct vpci *p)
{
	(void)p;
	return 0;
}

static uint32_t get_queue_select(struct vpci *p)
{
	return p->queue_select;
}

static void set_queue_select(struct vpci *p, uint32_t v)
{
	p->queue_select = (uint16_t)v;
}

static uint32_t get_queue_size(struct vpci *p)
{
	struct vq *q = selected(p);

	return q ? q->size : 0; /* 0: there is no such queue */
}

static void set_queue_size(struct vpci *p, uint32_t v)
{
	struct vq *q = changeable(p);

	if (q && v > 0 && v <= p->dev->type->queue_max && (v & (v - 1)) == 0)
		q->size = (uint16_t)v;
}

static uint32_t get_queue_vector(struct vpci *p)
{
	struct vq *q = selected(p);

	return q ? q->vector : VQ_NO_VECTOR;
}

static void set_queue_vector(struct vpci *p, uint32_t v)
{
	struct vq *q = selected(p);

	if (q)
		q->vector = known_vector(p, v);
}

static uint32_t get_queue_enable(struct vpci *p)
{
	struct vq *q = selected(p);

	return q ? (uint32_t)q->enabled : 0;
}

static void set_queue_enable(struct vpci *p, uint32_t v)
{
	struct vq *q = changeable(p);

	if (q && v == 1)
		q->enabled = 1; /* only a reset takes it back: section 4.1.4.3.2 */
}

static uint32_t get_queue_notify_off(struct vpci *p)
{
	return p->queue_select;
}

/* The three ring addresses, each as two halves. */
static gpa_t *ring_address(struct vq *q, unsigned which)
{
	gpa_t *const at[] = { &q->desc_at, &q->avail_at, &q->used_at };

	return at[which];
}

static uint32_t get_half(struct vpci *p, unsigned which, unsigned shift)
{
	struct vq *q = selected(p);

	return q ? (uint32_t)(*ring_address(q, which) >> shift) : 0;
}

static void set_half(struct vpci *p, unsigned which, unsigned shift, uint32_t v)
{
	struct vq *q = changeable(p);
	gpa_t *at = q ? ring_address(q, which) : NULL;

	if (at && !q->enabled)
		*at = (*at & ~(0xffffffffull << shift)) | (uint64_t)v << shift;
}

enum { RING_FIRST = 32, RING_END = 56 };

static const struct field {
	uint8_t off, size;
	uint32_t (*get)(struct vpci *p);
	void (*set)(struct vpci *p, uint32_t v);
} fields[] = {
	{ 0, 4, get_device_feature_select, set_device_feature_select },
	{ 4, 4, get_device_feature, NULL },
	{ 8, 4, get_driver_feature_select, set_driver_feature_select },
	{ 12, 4, get_driver_feature, set_driver_feature },
	{ 16, 2, get_config_vector, set_config_vector },
	{ 18, 2, get_num_queues, NULL },
	{ 20, 1, get_status, set_status },
	{ 21, 1, get_zero, NULL }, /* config_generation: our configurations never change */
	{ 22, 2, get_queue_select, set_queue_select },
	{ 24, 2, get_queue_size, set_queue_size },
	{ 26, 2, get_queue_vector, set_queue_vector },
	{ 28, 2, get_queue_enable, set_queue_enable },
	{ 30, 2, get_queue_notify_off, NULL },
};

/* A driver uses each field's own width (section 4.1.3.1); anything else finds nothing. */
static const struct field *field_at(unsigned off, unsigned size)
{
	for (unsigned i = 0; i < COUNT(fields); i++)
		if (fields[i].off == off && fields[i].size == size)
			return &fields[i];
	return NULL;
}

static int is_ring_half(unsigned off, unsigned size)
{
	return off >= RING_FIRST && off < RING_END && off % 4 == 0 && size == 4;
}

static uint32_t common_read(struct vpci *p, unsigned off, unsigned size)
{
	const struct field *f = field_at(off, size);

	if (is_ring_half(off, size))
		return get_half(p, (off - RING_FIRST) / 8, off % 8 * 8);
	return f ? f->get(p) : 0;
}

static void common_write(struct vpci *p, unsigned off, unsigned size, uint32_t value)
{
	const struct field *f = field_at(off, size);

	if (is_ring_half(off, size))
		set_half(p, (off - RING_FIRST) / 8, off % 8 * 8, value);
	else if (f && f->set)
		f->set(p, value);
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
		return common_read(p, in_page, size);
	case BAR_ISR:
		return in_page == 0 ? isr_read(p) : 0;
	case BAR_DEVICE:
		return device_config_read(p->dev, in_page, size);
	case BAR_MSIX_TABLE:
		return size == 4 && off % 4 == 0 ? msix_read(p, in_page) : 0;
	case BAR_MSIX_PBA:
		return pba_read(p, in_page);
	}
	return 0;
}

static void bar_write32(struct vpci *p, unsigned off, unsigned size, uint32_t value)
{
	unsigned in_page = off % BAR_PAGE;

	switch (off - in_page) {
	case BAR_COMMON:
		common_write(p, in_page, size, value);
		break;
	case VPCI_BAR_NOTIFY:
		/* Normally an ioeventfd takes this; here it comes while none is registered. */
		if (in_page / VPCI_NOTIFY_STEP < p->dev->type->nqueues)
			p->host->kick(p->host, (int)(in_page / VPCI_NOTIFY_STEP));
		break;
	case BAR_MSIX_TABLE:
		if (size == 4 && off % 4 == 0)
			msix_write(p, in_page, value);
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
	if (!(get16(&p->config[CFG_COMMAND]) & PCI_COMMAND_MEMORY))
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
		vectors_changed(p);
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
	uint8_t *c = &p->config[CAP_MSIX];

	c[0] = CAP_ID_MSIX;
	c[1] = CAP_COMMON;
	put16(c + 2, (uint16_t)(p->nvectors - 1));
	put32(c + 4, BAR_MSIX_TABLE); /* the low bits, 0, are the BAR's number */
	put32(c + 8, BAR_MSIX_PBA);
	put16(&p->writable[MSIX_CONTROL], MSIX_ENABLE | MSIX_MASK_ALL);

	add_cap(p, CAP_COMMON, CAP_NOTIFY, 16, 1, BAR_COMMON, RING_END);
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
		.nvectors = dev->type->nqueues + 1,
		.config_vector = VQ_NO_VECTOR,
	};
	for (unsigned v = 0; v < p->nvectors; v++)
		p->vector[v].masked = 1;
	put32(&p->config[0], 0x1af4 | (0x1040u + dev->type->id) << 16); /* section 4.1.2 */
	put16(&p->config[CFG_STATUS], STATUS_CAPABILITIES);
	put32(&p->config[CFG_REVISION], class << 8 | 1);
	put32(&p->config[CFG_SUBSYSTEM], 0x1af4 | (0x40u + dev->type->id) << 16);
	p->config[CFG_CAP_POINTER] = CAP_MSIX;
	put16(&p->writable[CFG_COMMAND], PCI_COMMAND_MEMORY | COMMAND_MASTER);
	put32(&p->config[CFG_BAR0], bar);
	put32(&p->writable[CFG_BAR0], ~(uint32_t)(VPCI_BAR_BYTES - 1));
	add_capabilities(p);
	dev->transport = p;
	dev->interrupt = vpci_interrupt;
	dev->again = vpci_again;
}
