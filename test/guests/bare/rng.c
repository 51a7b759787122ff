/*
 * rng - a driver of the entropy device (virtio 1.2 sections 4.1, 5.4), as small as one can be.
 */
#include "rng.h"

enum {
	COMMAND = 4,
	COMMAND_MEMORY_MASTER = 6,
	BAR0 = 0x10,
	CAPABILITIES = 0x34,
	CAP_MSIX = 0x11,
	CAP_VENDOR = 9,
	CFG_COMMON = 1,
	CFG_NOTIFY = 2,

	FEATURE_SELECT = 8,
	FEATURE = 12,
	STATUS = 20,
	QUEUE_SELECT = 22,
	QUEUE_SIZE = 24,
	QUEUE_VECTOR = 26,
	QUEUE_ENABLE = 28,
	QUEUE_DESC = 32,

	ACKNOWLEDGE = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,

	SIZE = 8,
	DESC_WRITE = 2,
};

static struct {
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} desc[SIZE];
	struct {
		uint16_t flags, idx, ring[SIZE], event;
	} avail;
	struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} ring[SIZE];
		uint16_t event;
	} used __attribute__((aligned(4)));
} queue __attribute__((aligned(16)));

static uint64_t bar_at(unsigned cap)
{
	return (read32(ecam(RNG_SLOT, BAR0)) & ~15u) + (uint64_t)read32(ecam(RNG_SLOT, cap + 8));
}

int rng_find(struct rng *r)
{
	unsigned at = read8(ecam(RNG_SLOT, CAPABILITIES));

	*r = (struct rng){ 0 };
	if (read32(ecam(RNG_SLOT, 0)) != 0x10441af4)
		return 0;
	write16(ecam(RNG_SLOT, COMMAND), COMMAND_MEMORY_MASTER);
	for (unsigned next; at; at = next) {
		uint8_t kind = read8(ecam(RNG_SLOT, at)), type = read8(ecam(RNG_SLOT, at + 3));

		next = read8(ecam(RNG_SLOT, at + 1));
		if (kind == CAP_MSIX) {
			uint64_t bar = read32(ecam(RNG_SLOT, BAR0)) & ~15u;

			r->msix = at + 2;
			r->table = bar + read32(ecam(RNG_SLOT, at + 4));
			r->pending = bar + read32(ecam(RNG_SLOT, at + 8));
		} else if (kind == CAP_VENDOR && type == CFG_COMMON) {
			r->common = bar_at(at);
		} else if (kind == CAP_VENDOR && type == CFG_NOTIFY) {
			r->notify = bar_at(at);
		}
	}
	return r->msix && r->common && r->notify;
}

static void place(const struct rng *r, unsigned which, const void *ring)
{
	write32(r->common + QUEUE_DESC + 8 * which, (uint32_t)(uintptr_t)ring);
	write32(r->common + QUEUE_DESC + 8 * which + 4, 0);
}

int rng_up(struct rng *r)
{
	write8(r->common + STATUS, 0);
	while (read8(r->common + STATUS) != 0)
		__asm__ volatile("pause");
	write8(r->common + STATUS, ACKNOWLEDGE | DRIVER);
	write32(r->common + FEATURE_SELECT, 1);
	write32(r->common + FEATURE, 1); /* VERSION_1 alone */
	write8(r->common + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	memset(&queue, 0, sizeof(queue));
	r->used = 0;
	write16(r->common + QUEUE_SELECT, 0);
	write16(r->common + QUEUE_SIZE, SIZE);
	write16(r->common + QUEUE_VECTOR, 1);
	place(r, 0, queue.desc);
	place(r, 1, &queue.avail);
	place(r, 2, &queue.used);
	write16(r->common + QUEUE_ENABLE, 1);
	write8(r->common + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	return read8(r->common + STATUS) == (ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK) &&
	       read16(r->common + QUEUE_VECTOR) == 1;
}

void rng_ask(struct rng *r)
{
	memset(r->bytes, 0, sizeof(r->bytes));
	queue.desc[0].addr = (uintptr_t)r->bytes;
	queue.desc[0].len = RNG_BYTES;
	queue.desc[0].flags = DESC_WRITE;
	queue.avail.ring[queue.avail.idx % SIZE] = 0;
	__atomic_store_n(&queue.avail.idx, (uint16_t)(queue.avail.idx + 1), __ATOMIC_RELEASE);
	write16(r->notify, 0);
}

int rng_answered(struct rng *r)
{
	const uint64_t second = 1000000000;
	uint64_t until = now_ns() + second;
	uint8_t some = 0;

	while (__atomic_load_n(&queue.used.idx, __ATOMIC_ACQUIRE) == r->used)
		if (now_ns() > until)
			return 0;
	r->used++;
	for (unsigned i = 0; i < RNG_BYTES; i++)
		some |= ((volatile uint8_t *)r->bytes)[i];
	return some != 0 && queue.used.ring[(uint16_t)(r->used - 1) % SIZE].len == RNG_BYTES;
}

void rng_vector(const struct rng *r, unsigned v, uint8_t interrupt, int masked)
{
	write32(r->table + 16 * v, (uint32_t)GPA_LAPIC);
	write32(r->table + 16 * v + 4, 0);
	write32(r->table + 16 * v + 8, interrupt);
	write32(r->table + 16 * v + 12, masked ? 1 : 0);
}

void rng_msix(const struct rng *r, int on, int all_masked)
{
	write16(ecam(RNG_SLOT, r->msix), (uint16_t)((on ? 0x8000 : 0) | (all_masked ? 0x4000 : 0)));
}
