/*
 * pcicommon - the common configuration of a virtio device (virtio 1.2 section 4.1.4.3): features, status, queues.
 */
#include "base/util.h"
#include "virtio/pci_parts.h"

enum { RING_FIRST = 32 };

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

static uint32_t get_config_generation(struct vpci *p)
{
	return p->dev->generation;
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
	{ 21, 1, get_config_generation, NULL },
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
	return off >= RING_FIRST && off < PCICOMMON_BYTES && off % 4 == 0 && size == 4;
}

uint32_t pcicommon_read(struct vpci *p, unsigned off, unsigned size)
{
	const struct field *f = field_at(off, size);

	if (is_ring_half(off, size))
		return get_half(p, (off - RING_FIRST) / 8, off % 8 * 8);
	return f ? f->get(p) : 0;
}

void pcicommon_write(struct vpci *p, unsigned off, unsigned size, uint32_t value)
{
	const struct field *f = field_at(off, size);

	if (is_ring_half(off, size))
		set_half(p, (off - RING_FIRST) / 8, off % 8 * 8, value);
	else if (f && f->set)
		f->set(p, value);
}
