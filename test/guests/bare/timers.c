/*
 * timers - the LAPIC's timer, the TSC's deadline, KVM's clock.
 */
#include "bare.h"

enum {
	TIMER_VECTOR = VECTOR_FIRST,
	MODE_PERIODIC = 1 << 17,
	MODE_DEADLINE = 2 << 17,
	MASKED = 1 << 16,
	DIVIDE_BY_1 = 0xb,
	MSR_DEADLINE = 0x6e0,
	MS = 1000000, /* in ns, and in counts of KVM's APIC */
};

static void the_clock(void)
{
	struct cpuid_regs base = cpuid(0x40000000, 0), f = cpuid(0x40000010, 0);
	uint64_t ticks = rdtsc(), before = now_ns(), last = before;
	uint32_t khz = clock_khz();
	int forward = 1;

	check(base.b == 0x4b4d564b, "KVM says who it is");
	check(base.a >= 0x40000010 && f.b == 1000000, "and has a leaf of frequencies");
	say_number("kHz of the leaf", f.a);
	say_number("kHz of the clock", khz);
	check(f.a > khz - khz / 500 && f.a < khz + khz / 500, "whose TSC is the clock's");
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = now_ns();

		forward &= now >= last;
		last = now;
	}
	ticks = (rdtsc() - ticks) * 1000 / khz * 1000;
	check(forward && last > before, "the clock goes forward");
	check(last - before <= ticks + MS, "as fast as the TSC does");
}

/* Once, of one that was set to a millisecond at that time: not earlier. */
static int fires(uint64_t start)
{
	int here = comes(TIMER_VECTOR, 1);
	uint64_t took = now_ns() - start;

	say_number("ns", took);
	return here && took >= MS - MS / 100;
}

/* What is pending comes, and is forgotten. */
static void quiet(void)
{
	lapic_write(LAPIC_TIMER, MASKED);
	lapic_write(LAPIC_COUNT, 0);
	interrupts(1);
	interrupts(0);
	came[0] = 0;
}

/* A host that was busy elsewhere for so long has hidden what there was to see in that millisecond. */
static int was_late(uint64_t start)
{
	return now_ns() - start >= MS;
}

static void the_lapics(void)
{
	uint64_t start;
	uint32_t left;

	lapic_write(LAPIC_DIVIDE, DIVIDE_BY_1);
	do {
		quiet();
		start = now_ns();
		lapic_write(LAPIC_TIMER, TIMER_VECTOR);
		lapic_write(LAPIC_COUNT, MS);
		left = lapic_read(LAPIC_NOW);
	} while (was_late(start));
	check(left <= MS && left > 0, "the LAPIC's timer counts down");
	check(fires(start), "and fires once, when its time is over");
	quiet();
	lapic_write(LAPIC_TIMER, TIMER_VECTOR | MODE_PERIODIC);
	lapic_write(LAPIC_COUNT, MS);
	comes(TIMER_VECTOR, 3);
	check(came[0] >= 3, "or again and again");
	quiet();
	lapic_write(LAPIC_TIMER, TIMER_VECTOR | MASKED);
	lapic_write(LAPIC_COUNT, MS / 10);
	while (lapic_read(LAPIC_NOW) > 0)
		__asm__ volatile("pause");
	interrupts(1);
	interrupts(0);
	check(came[0] == 0, "a masked one fires not at all");
	quiet();
}

static void deadline_mode(void)
{
	quiet();
	lapic_write(LAPIC_TIMER, TIMER_VECTOR | MODE_DEADLINE);
	__asm__ volatile("mfence" : : : "memory");
}

static void the_deadline(void)
{
	uint64_t khz = clock_khz(), start;
	int stands;

	check(cpuid(1, 0).c & 1u << 24, "the TSC has a deadline");
	do {
		deadline_mode();
		start = now_ns();
		wrmsr(MSR_DEADLINE, rdtsc() + khz);
		stands = rdmsr(MSR_DEADLINE) != 0;
	} while (was_late(start));
	check(stands, "which stands until it is reached");
	check(fires(start), "and fires once then");
	check(rdmsr(MSR_DEADLINE) == 0, "and is over then");
	came[0] = 0;
	wrmsr(MSR_DEADLINE, rdtsc() - khz);
	check(comes(TIMER_VECTOR, 1), "one that has passed fires at once");
	do {
		deadline_mode();
		start = now_ns();
		wrmsr(MSR_DEADLINE, rdtsc() + khz);
		wrmsr(MSR_DEADLINE, 0);
	} while (was_late(start));
	for (uint64_t until = now_ns() + 2 * MS; now_ns() < until;) {
		interrupts(1);
		interrupts(0);
	}
	check(came[0] == 0, "one that was taken back does not");
	/* A processor that sleeps is woken. */
	wrmsr(MSR_DEADLINE, rdtsc() + khz);
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	check(came[0] == 1, "a processor that sleeps is woken by it");
}

void bare_run(void)
{
	the_clock();
	the_lapics();
	the_deadline();
}
