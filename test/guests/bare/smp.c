/*
 * smp - the other processors: each is started, and says who it is and where.
 */
#include "bare.h"

enum {
	AP_PAGE = 0x60000, /* of start.S */
	CPUS_MAX = 64,
	STACK = 4096,
	ICR_INIT = 0x4500,
	ICR_STARTUP = 0x4600,
	INTEL = 0x756e6547,
	AMD = 0x68747541,
};

/* What a processor says of itself. */
struct words {
	uint32_t lapic, leaf1, count, htt;
	uint32_t leaf4; /* EAX of the first cache */
	struct cpuid_regs b[3], v2[2];
	struct cpuid_regs amd, sizes;
	volatile unsigned done;
};

extern uint8_t ap_code[], ap_code_end[];
extern uint64_t ap_cr3, ap_stack, ap_main;

static struct words words[CPUS_MAX];
static uint8_t stacks[CPUS_MAX][STACK] __attribute__((aligned(16)));
static volatile unsigned turn; /* whose it is */

static void say_self(struct words *w)
{
	struct cpuid_regs one = cpuid(1, 0);

	w->lapic = lapic_read(LAPIC_ID) >> 24;
	w->leaf1 = one.b >> 24;
	w->count = one.b >> 16 & 0xff;
	w->htt = one.d >> 28 & 1;
	w->leaf4 = cpuid(4, 0).a;
	for (unsigned i = 0; i < 3; i++)
		w->b[i] = cpuid(0xb, i);
	for (unsigned i = 0; i < 2; i++)
		w->v2[i] = cpuid(0x1f, i);
	w->amd = cpuid(0x8000001e, 0);
	w->sizes = cpuid(0x80000008, 0);
	__asm__ volatile("" : : : "memory");
	w->done = 1;
}

static void ap(void)
{
	say_self(&words[turn]);
}

static uint64_t *in_page(uint64_t *field)
{
	return (uint64_t *)(uintptr_t)(AP_PAGE + (uint64_t)((uint8_t *)field - ap_code));
}

static void pause_us(unsigned us)
{
	for (uint64_t until = now_ns() + us * 1000ull; now_ns() < until;)
		__asm__ volatile("pause");
}

static void ipi(unsigned apic, uint32_t what)
{
	lapic_write(LAPIC_ICR_HIGH, apic << 24);
	lapic_write(LAPIC_ICR, what);
}

static int started(unsigned cpu)
{
	const uint64_t seconds = 5000000000ull;
	uint64_t until, cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	memcpy((void *)(uintptr_t)AP_PAGE, ap_code, (size_t)(ap_code_end - ap_code));
	*in_page(&ap_cr3) = cr3;
	*in_page(&ap_stack) = (uintptr_t)(stacks[cpu] + STACK);
	*in_page(&ap_main) = (uintptr_t)ap;
	turn = cpu;
	ipi(cpu, ICR_INIT);
	pause_us(10);
	ipi(cpu, ICR_STARTUP | AP_PAGE >> 12);
	for (until = now_ns() + seconds; !words[cpu].done && now_ns() < until;)
		__asm__ volatile("pause");
	return (int)words[cpu].done;
}

/* Levels of leaf 0xb, or 0x1f: threads of a core, cores of the package. */
static int levels_fit(const struct cpuid_regs *level, unsigned cpu, unsigned cpus)
{
	return level[0].b == 1 && (level[0].c & 0xff00) == 0x100 && level[0].d == cpu &&
	       level[1].b == cpus && (level[1].c & 0xff00) == 0x200 && level[1].d == cpu &&
	       level[1].a < 32 && cpu >> level[1].a == 0 && cpus <= 1u << level[1].a &&
	       level[0].a <= level[1].a;
}

static void leaves_agree(unsigned cpus)
{
	struct cpuid_regs base = cpuid(0, 0);
	uint32_t highest = cpuid(0x80000000, 0).a;
	int ids = 1, counts = 1, v1 = 1, end = 1, v2 = 1, cache = 1, amd = 1, sizes = 1;

	for (unsigned i = 0; i < cpus; i++) {
		const struct words *w = &words[i];

		ids &= w->lapic == i && w->leaf1 == i;
		counts &= w->count == cpus && (w->htt || cpus == 1); /* some KVM sets it always */
		v1 &= levels_fit(w->b, i, cpus);
		end &= (w->b[2].c & 0xff00) == 0;
		v2 &= levels_fit(w->v2, i, cpus);
		cache &= w->leaf4 >> 26 == cpus - 1 && (w->leaf4 >> 14 & 0xfff) == 0;
		amd &= w->amd.a == i && (w->amd.b & 0xff) == i && (w->amd.b >> 8 & 0xff) == 0 &&
		       w->amd.c == 0;
		sizes &= (w->sizes.c & 0xff) == cpus - 1 && 1u << (w->sizes.c >> 12 & 15) >= cpus;
	}
	check(ids, "each has its own number, in the LAPIC and in leaf 1");
	check(counts, "and knows how many they are");
	if (base.a >= 0xb)
		check(v1 && end, "leaf 0xb: one thread a core, all cores in one package");
	if (base.a >= 0x1f)
		check(v2, "leaf 0x1f says the same");
	if (base.a >= 4 && base.b == INTEL && (words[0].leaf4 & 31))
		check(cache, "leaf 4: the first cache is a core's own");
	if (base.b == AMD && highest >= 0x8000001e && (cpuid(0x80000001, 0).c & 1 << 22))
		check(amd, "leaf 0x8000001e: a core each, in one node");
	if (highest >= 0x80000008 && base.b == AMD)
		check(sizes, "leaf 0x80000008 has room for all");
	say_number("highest leaf", base.a);
	say_number("highest leaf of the second kind", highest);
}

void bare_run(void)
{
	unsigned cpus = bare_number("cpus", 1), up = 1;

	say_self(&words[0]);
	for (unsigned i = 1; i < cpus && i < CPUS_MAX; i++)
		up += (unsigned)started(i);
	say_number("processors", up);
	check(up == cpus, "each processor starts");
	leaves_agree(cpus);
	/* One that is not there starts nothing, and does no harm. */
	if (cpus < CPUS_MAX) {
		ipi(cpus, ICR_INIT);
		ipi(cpus, ICR_STARTUP | AP_PAGE >> 12);
		pause_us(1000);
		check(!words[cpus].done, "none is there that was not ordered");
	}
}
