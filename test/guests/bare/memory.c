/*
 * memory - all of it is there, once, and ends where the map says: also above the hole under 4 GiB.
 */
#include "bare.h"

enum {
	E820_COUNT = 0x1e8, /* of the boot parameters */
	E820_TABLE = 0x2d0,
	E820_ENTRY = 20,
	E820_RAM = 1,
	PRESENT_WRITE = 3,
	LARGE = 0x80,
	GIB_SHIFT = 30,
	MORE = 4, /* GiB from 4 GiB on */
};
#define MIB  (1ull << 20)
#define STEP (16 * MIB)

struct range {
	uint64_t from, to;
};

static uint64_t directory[MORE][512] __attribute__((aligned(4096)));

/* What a kernel is entered with covers 4 GiB. */
static void map_more(void)
{
	uint64_t cr3, *pml4, *pdpt;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	pml4 = (uint64_t *)(uintptr_t)(cr3 & ~0xfffull);
	pdpt = (uint64_t *)(uintptr_t)(pml4[0] & ~0xfffull);
	for (uint64_t i = 0; i < MORE; i++) {
		for (uint64_t k = 0; k < 512; k++)
			directory[i][k] = (4 + i) << GIB_SHIFT | k << 21 | PRESENT_WRITE | LARGE;
		pdpt[4 + i] = (uintptr_t)directory[i] | PRESENT_WRITE;
	}
}

/* RAM from 1 MiB on, as the map has it; how many ranges. */
static unsigned ranges(struct range *r, unsigned most)
{
	uint64_t entry = bare_zero_page() + E820_TABLE;
	unsigned n = 0;

	for (unsigned i = read8(bare_zero_page() + E820_COUNT); i-- > 0; entry += E820_ENTRY)
		if (read32(entry + 16) == E820_RAM && read64(entry) >= MIB && n < most)
			r[n++] = (struct range){ read64(entry), read64(entry) + read64(entry + 8) };
	return n;
}

/* Our own code and data, and what a kernel would be. */
static uint64_t untouched(uint64_t from)
{
	return from < 16 * MIB ? 16 * MIB : from;
}

/* Some of each stretch, and the last bytes of all. */
static void write_range(const struct range *r)
{
	for (uint64_t at = untouched(r->from); at < r->to; at += STEP)
		write64(at, ~at);
	write64(r->to - 8, ~(r->to - 8));
}

static int is_written(const struct range *r)
{
	int good = read64(r->to - 8) == ~(r->to - 8);

	for (uint64_t at = untouched(r->from); at < r->to; at += STEP)
		good &= read64(at) == ~at;
	return good;
}

void bare_run(void)
{
	uint64_t mib = bare_number("mib", 0), low = mib < 3072 ? mib : 3072, sum = 0;
	struct range r[4];
	unsigned n = ranges(r, 4);
	int good = 1;

	map_more();
	for (unsigned i = 0; i < n; i++) {
		sum += r[i].to - r[i].from;
		write_range(&r[i]);
	}
	for (unsigned i = 0; i < n; i++)
		good &= is_written(&r[i]);
	check(n == (mib > low ? 2 : 1) && r[0].from == MIB && r[0].to == low * MIB,
	      "memory goes up to the hole");
	check(n == 1 || r[1].from == GPA_HIGH, "and on from 4 GiB");
	check(sum == (mib - 1) * MIB, "all of it is in the map");
	check(good, "each stretch keeps its own");
	check(read64(r[n - 1].to) == UINT64_MAX, "behind it there is none");
	check(read64(GPA_HOLE) == UINT64_MAX, "nor in the hole");
}
