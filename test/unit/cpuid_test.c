/* What CPUID says of a guest's processors, for offers of KVM's that differ. */
#include "vmm/cpuid.h"

#include <cpuid.h>

#include "base/util.h"
#include "check.h"

enum { INTEL = 0x756e6547, AMD = 0x68747541, HYGON = 0x6f677948 };
#define XCR0_AMX (3u << 17)

static struct cpuid c;

static void offer(uint32_t function, uint32_t index, uint32_t a, uint32_t b, uint32_t cx,
		  uint32_t d)
{
	c.entry[c.head.nent++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index, .eax = a, .ebx = b, .ecx = cx, .edx = d
	};
}

static void offer_of(uint32_t vendor)
{
	c.head.nent = 0;
	offer(0, 0, 0x20, vendor, 0, 0);
	offer(1, 0, 0x806f8, 0x55aa0800, 1u << 3 | 1u << 15, 1u << 28);
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	static const struct kvm_cpuid_entry2 none;

	for (unsigned i = 0; i < c.head.nent; i++)
		if (c.entry[i].function == function && c.entry[i].index == index)
			return &c.entry[i];
	return &none;
}

static const unsigned counts[] = { 1, 2, 3, 8, 32, 64 };

static void a_processor_has_anothers_number(void)
{
	for (unsigned n = 0; n < COUNT(counts); n++) {
		offer_of(INTEL);
		offer(4, 0, 0xfc01c121, 1, 2, 3);
		offer(0xb, 0, 1, 2, 0x100, 77);
		offer(0x1f, 0, 1, 2, 0x100, 77);
		offer(0x8000001e, 0, 77, 77, 77, 0);
		for (unsigned i = 0; i < counts[n]; i++) {
			cpuid_for_vcpu(&c, i, counts[n]);
			CHECK(leaf(1, 0)->ebx >> 24 == i);
			CHECK((leaf(1, 0)->ebx >> 16 & 0xff) == counts[n]);
			CHECK((leaf(1, 0)->ebx & 0xffff) == 0x0800);
			CHECK(!!(leaf(1, 0)->edx & 1u << 28) == (counts[n] > 1));
			CHECK(leaf(1, 0)->ecx == (1u << 31 | 1u << 24 | 1u << 21));
			for (unsigned level = 0; level < 2; level++) {
				CHECK(leaf(0xb, level)->edx == i);
				CHECK(leaf(0x1f, level)->edx == i);
			}
			CHECK(leaf(0x8000001e, 0)->eax == i && leaf(0x8000001e, 0)->ebx == i);
		}
		CHECK(c.head.nent == 8); /* two levels were added, once */
	}
}

static void the_levels_do_not_add_up(void)
{
	static const unsigned shift[] = { 0, 1, 2, 3, 5, 6 };

	for (unsigned n = 0; n < COUNT(counts); n++) {
		unsigned count = counts[n];

		offer_of(AMD);
		offer(4, 0, 0x121, 0, 0, 0);			/* level 1 */
		offer(0x8000001d, 3, 0x163 | 5 << 14, 0, 0, 0); /* level 3 */
		offer(0xb, 0, 0, 0, 0, 0);
		offer(0x80000008, 0, 0x3030, 0, 77, 0);
		cpuid_for_vcpu(&c, count - 1, count);
		CHECK(leaf(0xb, 0)->eax == 0 && leaf(0xb, 0)->ebx == 1 &&
		      leaf(0xb, 0)->ecx == 0x100);
		CHECK(leaf(0xb, 1)->eax == shift[n] && leaf(0xb, 1)->ebx == count);
		CHECK(leaf(0xb, 1)->ecx == 0x201);
		CHECK(leaf(0xb, 1)->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		CHECK(leaf(0x1f, 0)->flags == 0 && leaf(0x1f, 1)->ecx == 0); /* was not offered */
		CHECK(leaf(4, 0)->eax >> 26 == count - 1 && (leaf(4, 0)->eax >> 14 & 0xfff) == 0);
		CHECK((leaf(0x8000001d, 3)->eax >> 14 & 0xfff) == count - 1);
		CHECK((leaf(0x80000008, 0)->ecx & 0xff) == count - 1);
		CHECK(leaf(0x80000008, 0)->ecx >> 12 == shift[n] &&
		      leaf(0x80000008, 0)->eax == 0x3030);
	}
}

/* KVM offers leaves that it leaves empty: a guest's processor had no name. */
static void the_processor_has_no_name(void)
{
	uint32_t eax, ebx, ecx, edx;

	offer_of(AMD);
	for (unsigned i = 2; i <= 6; i++)
		offer(0x80000000 + i, 0, i == 3 ? 7 : 0, 0, 0, 0);
	cpuid_add_name(&c);
	CHECK(__get_cpuid(0x80000002, &eax, &ebx, &ecx, &edx) && (eax | ebx | ecx | edx));
	CHECK(leaf(0x80000002, 0)->eax == eax && leaf(0x80000002, 0)->ebx == ebx);
	CHECK(leaf(0x80000002, 0)->ecx == ecx && leaf(0x80000002, 0)->edx == edx);
	CHECK(leaf(0x80000003, 0)->eax == 7 &&
	      leaf(0x80000003, 0)->ebx == 0); /* KVM's word counts */
	CHECK(leaf(0x80000006, 0)->ecx == 0);
}

static void cores_are_taken_for_threads(void)
{
	static const struct {
		uint32_t vendor, cpus, offered, ecx;
	} cases[] = { { AMD, 2, 1, 3 }, { AMD, 1, 3, 1 }, { HYGON, 8, 3, 3 }, { INTEL, 2, 1, 1 } };

	for (unsigned i = 0; i < COUNT(cases); i++) {
		offer_of(cases[i].vendor);
		offer(0x80000001, 0, 0, 0, cases[i].offered, 0);
		cpuid_for_vcpu(&c, 0, cases[i].cpus);
		CHECK(leaf(0x80000001, 0)->ecx == cases[i].ecx);
	}
}

static void something_is_promised_that_is_not_there(void)
{
	static const struct {
		const char *why;
		uint32_t vendor, xcr0, ecx, edx, eax1, edx1, tiles;
	} cases[] = {
		{ "an Intel without AMX for guests", INTEL, 7, 0x10, 1u << 29 | 1, 1, 1, 0 },
		{ "half of AMX", INTEL, 7 | 1u << 17, 0x10, 1u << 29 | 1, 1, 1, 0 },
		{ "an Intel with AMX", INTEL, 7 | XCR0_AMX, 0x10, 1u << 29 | 7u << 22 | 1,
		  1u << 21 | 1, 1u << 8 | 1, 9 },
		{ "AMD", AMD, 7, 0x10, 1, 1, 1, 0 },
		{ "Hygon", HYGON, 7, 0x10, 1, 1, 1, 0 },
	};

	for (unsigned i = 0; i < COUNT(cases); i++) {
		offer_of(cases[i].vendor);
		offer(7, 0, 1, 5, 0x10 | 1 << 5, 1u << 29 | 7u << 22 | 1);
		offer(7, 1, 1u << 21 | 1, 0, 0, 1u << 8 | 1);
		offer(0xa, 0, 0x08300805, 0, 0xf, 0x8604);
		offer(0xd, 0, cases[i].xcr0, 1, 1, 0);
		offer(0x1d, 1, 9, 9, 9, 9);
		offer(0x1e, 0, 9, 9, 9, 9);
		cpuid_for_vcpu(&c, 0, 1);
		/* Bit 23 of EDX is none of AMX's. */
		uint32_t edx = cases[i].edx | 1u << 23;

		if (leaf(7, 0)->ecx != cases[i].ecx || leaf(7, 0)->edx != edx)
			printf("# %s: ecx %#x, edx %#x\n", cases[i].why, leaf(7, 0)->ecx,
			       leaf(7, 0)->edx);
		CHECK(leaf(7, 0)->ecx == cases[i].ecx && leaf(7, 0)->edx == edx);
		CHECK(leaf(7, 0)->eax == 1 && leaf(7, 0)->ebx == 5);
		CHECK(leaf(7, 1)->eax == cases[i].eax1 && leaf(7, 1)->edx == cases[i].edx1);
		CHECK(leaf(0x1d, 1)->eax == cases[i].tiles && leaf(0x1e, 0)->edx == cases[i].tiles);
		CHECK(leaf(0xa, 0)->eax == 0 && leaf(0xa, 0)->edx == 0); /* no counters */
		CHECK(leaf(0xd, 0)->eax == cases[i].xcr0);
	}
}

static void the_frequency_is_not_told(void)
{
	offer_of(INTEL);
	cpuid_tell_frequency(&c, 2100000);
	CHECK(c.head.nent == 2); /* there is no hypervisor that could */
	offer(0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
	cpuid_tell_frequency(&c, 0);
	CHECK(c.head.nent == 3 && leaf(0x40000000, 0)->eax == 0x40000001);
	for (int again = 0; again < 2; again++)
		cpuid_tell_frequency(&c, 2100000);
	CHECK(c.head.nent == 4 && leaf(0x40000000, 0)->eax == 0x40000010);
	CHECK(leaf(0x40000010, 0)->eax == 2100000 && leaf(0x40000010, 0)->ebx == 1000000);
	while (c.head.nent < CPUID_ENTRIES)
		offer(0x123, c.head.nent, 0, 0, 0, 0);
	cpuid_for_vcpu(&c, 0, 1);
	cpuid_tell_frequency(&c, 1);
	CHECK(c.head.nent == CPUID_ENTRIES && leaf(0x40000010, 0)->eax == 1);
}

int main(void)
{
	TEST(a_processor_has_anothers_number);
	TEST(the_levels_do_not_add_up);
	TEST(the_processor_has_no_name);
	TEST(cores_are_taken_for_threads);
	TEST(something_is_promised_that_is_not_there);
	TEST(the_frequency_is_not_told);
	return check_done();
}
