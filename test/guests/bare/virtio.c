/*
 * virtio - a driver of any virtio device on the bus, as small as one can be.
 */
#include "virtio.h"

enum {
	VENDOR = 0x1af4,
	FIRST_KIND = 0x1040,

	COMMAND = 4,
	COMMAND_MEMORY_MASTER = 6,
	BAR0 = 0x10,
	CAPABILITIES = 0x34,
	CAP_MSIX = 0x11,
	CAP_VENDOR = 9,
	CFG_COMMON = 1,
	CFG_NOTIFY = 2,
	CFG_DEVICE = 4,

	FEATURE_SELECT = 8,
	FEATURE = 12,
	STATUS = 20,
	QUEUE_SELECT = 22,
	QUEUE_SIZE = 24,
	QUEUE_VECTOR = 26,
	QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30,
	QUEUE_RINGS = 32,

	ACKNOWLEDGE = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,
	AGREED = ACKNOWLEDGE | DRIVER | FEATURES_OK,
};

static uint64_t bar_at(const struct virtio *d, uint64_t off)
{
	return (read32(ecam(d->slot, BAR0)) & ~15u) + off;
}

static void take_capability(struct virtio *d, unsigned at)
{
	uint8_t kind = read8(ecam(d->slot, at)), type = read8(ecam(d->slot, at + 3));
	uint32_t off = read32(ecam(d->slot, at + 8));

	if (kind == CAP_MSIX) {
		d->msix = at + 2;
		d->table = bar_at(d, read32(ecam(d->slot, at + 4)));
		d->pending = bar_at(d, off);
	} else if (kind == CAP_VENDOR && type == CFG_COMMON) {
		d->common = bar_at(d, off);
	} else if (kind == CAP_VENDOR && type == CFG_NOTIFY) {
		d->notify = bar_at(d, off);
		d->step = read32(ecam(d->slot, at + 16));
	} else if (kind == CAP_VENDOR && type == CFG_DEVICE) {
		d->config = bar_at(d, off);
	}
}

int virtio_find(struct virtio *d, unsigned slot, unsigned kind)
{
	*d = (struct virtio){ .slot = slot };
	if (read32(ecam(slot, 0)) != ((FIRST_KIND + kind) << 16 | VENDOR))
		return 0;
	write16(ecam(slot, COMMAND), COMMAND_MEMORY_MASTER);
	for (unsigned at = read8(ecam(slot, CAPABILITIES)); at; at = read8(ecam(slot, at + 1)))
		take_capability(d, at);
	return d->msix && d->common && d->notify;
}

void virtio_place(const struct virtio *d, unsigned q, uint64_t rings)
{
	const uint64_t at[] = { rings + offsetof(struct ring, desc), rings + offsetof(struct ring, avail),
				rings + offsetof(struct ring, used) };

	write16(d->common + QUEUE_SELECT, (uint16_t)q);
	write16(d->common + QUEUE_SIZE, VIRTIO_SIZE);
	write16(d->common + QUEUE_VECTOR, 1);
	for (unsigned i = 0; i < 3; i++) {
		write32(d->common + QUEUE_RINGS + 8 * i, (uint32_t)at[i]);
		write32(d->common + QUEUE_RINGS + 8 * i + 4, (uint32_t)(at[i] >> 32));
	}
	write16(d->common + QUEUE_ENABLE, 1);
}

int virtio_up(struct virtio *d, unsigned queues)
{
	write8(d->common + STATUS, 0);
	while (virtio_status(d) != 0)
		__asm__ volatile("pause");
	write8(d->common + STATUS, ACKNOWLEDGE | DRIVER);
	write32(d->common + FEATURE_SELECT, 0);
	write32(d->common + FEATURE, d->features);
	write32(d->common + FEATURE_SELECT, 1);
	write32(d->common + FEATURE, 1); /* VERSION_1 */
	write8(d->common + STATUS, AGREED);
	for (unsigned q = 0; q < queues; q++) {
		memset(&d->ring[q], 0, sizeof(d->ring[q]));
		d->seen[q] = 0;
		virtio_place(d, q, (uintptr_t)&d->ring[q]);
		if (read16(d->common + QUEUE_VECTOR) != 1)
			return 0;
	}
	write8(d->common + STATUS, AGREED | DRIVER_OK);
	return virtio_status(d) == (AGREED | DRIVER_OK);
}

uint8_t virtio_status(const struct virtio *d)
{
	return read8(d->common + STATUS);
}

void virtio_give(struct virtio *d, unsigned q, uint16_t head)
{
	struct ring *r = &d->ring[q];

	r->avail.ring[r->avail.idx % VIRTIO_SIZE] = head;
	__atomic_store_n(&r->avail.idx, (uint16_t)(r->avail.idx + 1), __ATOMIC_RELEASE);
	write16(d->common + QUEUE_SELECT, (uint16_t)q);
	write16(d->notify + (uint64_t)d->step * read16(d->common + QUEUE_NOTIFY_OFF), (uint16_t)q);
}

int virtio_came_back(struct virtio *d, unsigned q, unsigned us)
{
	uint64_t until = now_ns() + us * 1000ull;

	while (__atomic_load_n(&d->ring[q].used.idx, __ATOMIC_ACQUIRE) == d->seen[q])
		if (now_ns() > until)
			return 0;
	d->seen[q]++;
	return 1;
}

void virtio_vector(const struct virtio *d, unsigned v, uint8_t interrupt, int masked)
{
	write32(d->table + 16 * v, (uint32_t)GPA_LAPIC);
	write32(d->table + 16 * v + 4, 0);
	write32(d->table + 16 * v + 8, interrupt);
	write32(d->table + 16 * v + 12, masked ? 1 : 0);
}

void virtio_msix(const struct virtio *d, int on, int all_masked)
{
	write16(ecam(d->slot, d->msix), (uint16_t)((on ? 0x8000 : 0) | (all_masked ? 0x4000 : 0)));
}
