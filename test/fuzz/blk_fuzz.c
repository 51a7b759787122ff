/*
 * The block device under a guest that writes anything into its rings and requests, while jobs are
 * held back, fail, and the file is cut under it. Input: a list of acts, each a byte and its
 * arguments. Every job must lie on the disk and in RAM; every place for a request must be free in
 * the end; a reset is obeyed once, and not before, nothing is under way.
 */
#include "../unit/blk_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct acts {
	const uint8_t *at, *end;
};

static uint8_t byte(struct acts *a)
{
	return a->at < a->end ? *a->at++ : 0;
}

static uint16_t word(struct acts *a)
{
	uint16_t low = byte(a);

	return (uint16_t)(low | byte(a) << 8);
}

/* Small numbers, places near the disk's end, and those that wrap. */
static uint64_t sector(struct acts *a)
{
	uint8_t b = byte(a);

	return b < 0x80 ? b * 2u : b < 0xc0 ? SECTORS - (b & 15u) : (uint64_t)0 - (b & 63u);
}

/* A descriptor in the table: most lie in RAM, some across its end. */
static void act_descriptor(struct acts *a, uint16_t at)
{
	uint8_t odd = byte(a);
	uint32_t len = odd & 1 ? word(a) : (uint32_t)(byte(a) % 9) * 256;

	w.desc[at % BLK_QUEUE] = (struct ring_desc){
		.addr = odd & 2 ? (uint32_t)RAM - byte(a) : DATA_AT + word(a) * 8u,
		.len = len + (odd & 4 ? 1 : 0),
		.flags = (uint16_t)(byte(a) & (odd & 8 ? 7 : DESC_NEXT | DESC_WRITE)),
		.next = odd & 16 ? word(a) : (uint16_t)(at + 1),
	};
}

static void act_available(struct acts *a)
{
	w.avail->ring[w.avail->idx % BLK_QUEUE] = byte(a);
	w.avail->idx = (uint16_t)(w.avail->idx + 1);
}

/* A request as a driver would make it, but for what it asks. */
static void act_request(struct acts *a)
{
	static const uint32_t types[] = { IN, OUT, FLUSH, GET_ID, DISCARD, ZEROES, 2, 1u << 31 };
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} h = { types[byte(a) % 8], 0, sector(a) };
	struct {
		uint64_t sector;
		uint32_t count, flags;
	} s = { sector(a), byte(a), byte(a) % 3 };
	uint16_t head = byte(a) % (BLK_QUEUE - 2);
	uint32_t at = DATA_AT + byte(a) * 2048u, out = 0, in = 0;

	if (h.type == OUT)
		out = byte(a) % 4 * 512u;
	else if (h.type == DISCARD || h.type == ZEROES)
		out = sizeof(s);
	else
		in = byte(a) % 4 * 512u;
	memcpy(world_ram + at, &h, sizeof(h));
	memcpy(world_ram + at + sizeof(h), &s, sizeof(s));
	w.desc[head] = (struct ring_desc){ at, 16 + out, DESC_NEXT, (uint16_t)(head + 1) };
	w.desc[head + 1] = (struct ring_desc){ at + 1024, in + 1, DESC_WRITE, 0 };
	w.avail->ring[w.avail->idx % BLK_QUEUE] = head;
	w.avail->idx = (uint16_t)(w.avail->idx + 1);
}

static void reset_and_start(uint64_t features)
{
	world_reset();
	INVARIANT((w.b.dev.status == 0) == !w.held);
	world_release();
	if (w.b.dev.status != 0) /* nothing was under way, and so nothing came back */
		vdev_run(&w.b.dev);
	INVARIANT(w.b.dev.status == 0 && w.b.busy == 0);
	driver_up(features & vdev_features(&w.b.dev));
}

static void act(struct acts *a, uint64_t features)
{
	uint8_t what = byte(a);

	switch (what % 12) {
	case 0:
	case 1:
	case 2:
		act_request(a);
		break;
	case 3:
		act_descriptor(a, byte(a));
		break;
	case 4:
		for (uint16_t at = byte(a), n = byte(a) % 8; n > 0; n--)
			act_descriptor(a, at++);
		break;
	case 5:
		act_available(a);
		break;
	case 6:
		vdev_notify(&w.b.dev, 0);
		break;
	case 7:
		w.hold = byte(a) & 1;
		break;
	case 8:
		if (byte(a) == 0xab)
			reset_and_start(features);
		break;
	case 9:
		INVARIANT(ftruncate(w.disk.fd, (byte(a) + 1) * DISK_SECTOR) == 0);
		break;
	case 10:
		world_ram[DATA_AT + word(a)] = byte(a);
		break;
	default:
		w.avail->idx = (uint16_t)(w.avail->idx + (byte(a) == 0xcd ? word(a) : 0));
		kick();
	}
	world_turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acts a = { data, data + size };
	uint8_t first = byte(&a);
	uint64_t features = first & 2 ? ALL_FEATURES : VDEV_F_VERSION_1;

	world_begin(world_file(), first & 1, features);
	for (unsigned n = 0; a.at < a.end && n < 400; n++) {
		act(&a, features);
		if (w.b.dev.status & VDEV_NEEDS_RESET)
			reset_and_start(features);
	}
	reset_and_start(features);
	INVARIANT(w.disk.readonly == (first & 1));
	world_end();
	return 0;
}
