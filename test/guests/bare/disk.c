/*
 * disk - a driver of a block device (virtio 1.2 section 5.2): what it wrote it reads again, two requests at a time, and
 * what cannot be done is told.
 */
#include "bare.h"
#include "virtio.h"

enum {
	SLOT = 16,
	KIND = 2,
	SECTOR = 512,
	SECTORS = 64, /* that are tried: each is full of its own number, and one */
	PART = 8 * SECTOR,
	SECOND_US = 1000000,

	F_FLUSH = 1 << 9,
	F_DISCARD = 1 << 13,
	F_WRITE_ZEROES = 1 << 14,

	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13,
	T_NONE = 77,

	S_OK = 0,
	S_IOERR = 1,
	S_UNSUPP = 2,
	S_NOTHING = 0xff,
};

struct request {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;
	struct {
		uint64_t sector;
		uint32_t sectors, flags;
	} range;
};

static struct virtio disk;
static struct request request[2];
static uint8_t data[2][PART];

/* In the descriptors 3 * i and on; len bytes of buf, or none. */
static void begin(unsigned i, uint32_t type, uint64_t sector, void *buf, uint32_t len)
{
	struct ring *r = &disk.ring[0];
	unsigned at = 3 * i, last = len ? at + 2 : at + 1;

	request[i].type = type;
	request[i].sector = sector;
	request[i].status = S_NOTHING;
	r->desc[at].addr = (uintptr_t)&request[i];
	r->desc[at].len = 16;
	r->desc[at].flags = DESC_NEXT;
	r->desc[at].next = (uint16_t)(at + 1);
	r->desc[at + 1].addr = (uintptr_t)buf;
	r->desc[at + 1].len = len;
	r->desc[at + 1].flags = (uint16_t)(DESC_NEXT | (type == T_IN ? DESC_WRITE : 0));
	r->desc[at + 1].next = (uint16_t)(at + 2);
	r->desc[last].addr = (uintptr_t)&request[i].status;
	r->desc[last].len = 1;
	r->desc[last].flags = DESC_WRITE;
	virtio_give(&disk, 0, (uint16_t)at);
}

static uint8_t outcome(unsigned i)
{
	return *(volatile uint8_t *)&request[i].status;
}

static uint8_t done(uint32_t type, uint64_t sector, void *buf, uint32_t len)
{
	begin(0, type, sector, buf, len);
	return virtio_came_back(&disk, 0, SECOND_US) ? outcome(0) : S_NOTHING;
}

static uint8_t range_done(uint32_t type, uint64_t sector, uint32_t sectors)
{
	request[0].range.sector = sector;
	request[0].range.sectors = sectors;
	request[0].range.flags = 0;
	return done(type, 0, &request[0].range, sizeof(request[0].range));
}

static void fill(uint8_t *part, unsigned sector)
{
	for (unsigned i = 0; i < PART; i++)
		part[i] = (uint8_t)(sector + i / SECTOR + 1);
}

/* That sectors own numbers, or zeroes. */
static int holds(const uint8_t *part, unsigned sector, int zeroes)
{
	int good = 1;

	for (unsigned i = 0; i < PART; i++)
		good &= part[i] == (zeroes ? 0 : (uint8_t)(sector + i / SECTOR + 1));
	return good;
}

/* Both halves of what is tried, side by side, part by part. */
static int carry(uint32_t type)
{
	const unsigned part = PART / SECTOR, half = SECTORS / 2;
	int good = 1;

	for (unsigned at = 0; at < half; at += part) {
		for (unsigned i = 0; i < 2; i++) {
			if (type == T_OUT)
				fill(data[i], at + i * half);
			else
				memset(data[i], 0xee, PART);
			begin(i, type, at + i * half, data[i], PART);
		}
		good &= virtio_came_back(&disk, 0, SECOND_US) && virtio_came_back(&disk, 0, SECOND_US);
		for (unsigned i = 0; i < 2; i++)
			good &= outcome(i) == S_OK && holds(data[i], at + i * half, 0);
	}
	return good;
}

static void beyond_its_end(uint64_t capacity)
{
	check(done(T_IN, capacity, data[0], SECTOR) == S_IOERR, "behind its end is nothing to read");
	check(done(T_OUT, capacity - 1, data[0], 2 * SECTOR) == S_IOERR, "nor to write, not in part either");
	check(done(T_IN, UINT64_MAX, data[0], SECTOR) == S_IOERR, "nor where numbers end");
	check(range_done(T_WRITE_ZEROES, capacity - 1, 2) == S_IOERR, "nor are there zeroes");
}

void bare_run(void)
{
	uint64_t capacity;

	check(virtio_find(&disk, SLOT, KIND) && disk.config, "a disk is there");
	disk.features = F_FLUSH | F_DISCARD | F_WRITE_ZEROES;
	check(virtio_up(&disk, 1), "and comes up");
	capacity = read32(disk.config) | (uint64_t)read32(disk.config + 4) << 32;
	check(capacity >= 2 * SECTORS, "with room for this");
	check(carry(T_OUT), "it writes");
	check(done(T_FLUSH, 0, NULL, 0) == S_OK, "and is flushed");
	check(carry(T_IN), "what was written is read");
	check(range_done(T_WRITE_ZEROES, SECTORS, PART / SECTOR) == S_OK, "zeroes are written");
	memset(data[0], 0xee, PART);
	check(done(T_IN, SECTORS, data[0], PART) == S_OK && holds(data[0], 0, 1), "and read");
	check(range_done(T_DISCARD, SECTORS, PART / SECTOR) == S_OK, "what is not needed is discarded");
	beyond_its_end(capacity);
	check(done(T_NONE, 0, NULL, 0) == S_UNSUPP, "what it does not know it says");
	check(carry(T_IN), "and all is as it was");
}
