/*
 * hostile - accesses no driver makes, to whatever the board answers at. It has survived them when the entropy
 * device works afterwards, for the same driver, after one reset.
 */
#include "bare.h"
#include "rng.h"

enum {
	SLOTS = 32,
	NOBODY = 0xffff, /* the vendor of an empty slot */
	RANDOM_ACCESSES = 2000,
	BAR_BYTES = 0x8000,
	QUEUE_AND_RINGS = 64,
};

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* What breaks arithmetic, and what looks like an address. */
static uint64_t odd_value(void)
{
	static const uint64_t values[] = {
		0,	    1,		0xff,	    0x8000,   0xffff,	  0xd0000000,
		0xe0000000, 0xfee00000, 0xffffffff, 0x100000, UINT64_MAX,
	};
	uint64_t r = chance();

	return r & 1 ? values[(r >> 8) % (sizeof(values) / sizeof(values[0]))] : chance();
}

/* Each slot but the host bridge's where there is a device. */
static unsigned next_device(unsigned slot)
{
	while (++slot < SLOTS && read16(ecam(slot, 0)) == NOBODY)
		;
	return slot;
}

static void poke(uint64_t at)
{
	uint64_t r = chance();

	switch (r >> 32 & 7) {
	case 0:
		write8(at, (uint8_t)odd_value());
		break;
	case 1:
		write16(at, (uint16_t)odd_value());
		break;
	case 2:
		write32(at, (uint32_t)odd_value());
		break;
	case 3:
		write64(at, odd_value());
		break;
	case 4:
		read8(at);
		break;
	case 5:
		read16(at);
		break;
	case 6:
		read32(at);
		break;
	case 7:
		read64(at);
		break;
	}
}

static void configuration_space(void)
{
	for (unsigned i = 0; i < RANDOM_ACCESSES; i++)
		poke(ecam(chance() % SLOTS, chance() % 0x1000));
	/* The last bytes of the last function, and just beyond. */
	for (unsigned i = 0; i < 16; i++)
		poke(GPA_ECAM + GPA_ECAM_LEN - 8 + i);
	for (unsigned i = 0; i < RANDOM_ACCESSES / 4; i++) {
		out32(PORT_PCI, (uint32_t)chance() & 0x00ffffff);
		out32(PORT_PCI, (uint32_t)chance() | 1u << 31);
		out32(PORT_PCI + 4, (uint32_t)odd_value());
		in8((uint16_t)(PORT_PCI + chance() % 8));
		in16((uint16_t)(PORT_PCI + chance() % 8));
	}
}

/* A window over RAM, over the LAPIC, over another's, at the end of the address space. */
static void windows_move(void)
{
	static const uint32_t places[] = { 0,	       0x100000,   0xbfff8000, 0xd0000000,
					   0xe0000000, 0xfec00000, 0xfee00000, 0xfffb8000,
					   0xffff8000, 0xd0010000 };

	for (unsigned slot = next_device(0); slot < SLOTS; slot = next_device(slot))
		for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			write16(ecam(slot, 4), 2);
			write32(ecam(slot, 0x10), places[i]);
			write16(ecam(slot, 4), i & 1 ? 0 : 2);
			read32(0xd0000000 + i * 0x1000);
		}
	check(lapic_read(LAPIC_ID) >> 24 == 0, "the LAPIC answers where a window was laid over it");
}

static void put_back(unsigned slot)
{
	write32(ecam(slot, 0x10), (uint32_t)GPA_PCI_MEM + slot * BAR_BYTES);
	write16(ecam(slot, 4), 6);
}

static void registers(void)
{
	for (unsigned slot = next_device(0); slot < SLOTS; slot = next_device(slot)) {
		uint64_t bar = GPA_PCI_MEM + slot * BAR_BYTES;

		put_back(slot);
		for (unsigned i = 0; i < RANDOM_ACCESSES / 4; i++)
			poke(bar + chance() % BAR_BYTES);
		/* Mostly where a queue is described, and kicked, in every order. */
		for (unsigned i = 0; i < RANDOM_ACCESSES; i++)
			poke(bar +
			     (chance() & 3 ? chance() % QUEUE_AND_RINGS : 0x3000 + chance() % 16));
		poke(bar + BAR_BYTES - 1);
	}
}

static void ports(void)
{
	static const uint16_t first[] = { 0x20, 0x40, 0x60, 0x70, 0xa0, 0x4d0, 0x600, 0xcf8 };

	for (unsigned i = 0; i < RANDOM_ACCESSES / 4; i++) {
		uint16_t port = (uint16_t)(first[chance() % 8] + chance() % 16);

		in8(port);
		in16(port);
		in32(port);
	}
}

void bare_run(void)
{
	static struct rng rng;

	for (unsigned i = bare_number("seed", 0); i > 0; i--)
		chance();
	configuration_space();
	check(1, "configuration space");
	windows_move();
	registers();
	check(1, "registers of each device");
	ports();
	check(1, "ports");
	put_back(RNG_SLOT);
	check(rng_find(&rng) && rng_up(&rng), "a driver finds its device as ever");
	rng_ask(&rng);
	check(rng_answered(&rng), "and has its answer");
}
