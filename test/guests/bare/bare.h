/*
 * bare - guests without a kernel: what the programs in this folder share.
 *
 * Each is loaded as a kernel, tries one side of the machine, says a line for each thing it tried ("ok - ..." or
 * "not ok - ...", TAP without numbers) to the serial port, and "done" before it powers off: test/both/guests.sh
 * reads that. Plain instructions only: they are to run where a KVM emulates the guest's kernel mode, too, which knows
 * neither XRSTOR nor POPCNT.
 */
#ifndef BARE_H
#define BARE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/layout.h"

/* The program's own. */
void bare_run(void);

/* Of the kernel's command line: the number behind WORD=, or `other`; whether the word is there. */
unsigned bare_number(const char *word, unsigned other);
int bare_is(const char *word);

/* Where the boot parameters lie (the kernel's Documentation/x86/zero-page.rst). */
uint64_t bare_zero_page(void);

void say(const char *text);
void say_number(const char *what, uint64_t v); /* as a comment */
void check(int good, const char *what);
void power_off(void) __attribute__((noreturn));

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

/* --- the processor --- */

#define PORT_IO(size, suffix, type) \
	static inline void out##size(uint16_t port, type v) \
	{ \
		__asm__ volatile("out" suffix " %0, %1" : : "a"(v), "Nd"(port) : "memory"); \
	} \
	static inline type in##size(uint16_t port) \
	{ \
		type v; \
		__asm__ volatile("in" suffix " %1, %0" : "=a"(v) : "Nd"(port) : "memory"); \
		return v; \
	}
PORT_IO(8, "b", uint8_t)
PORT_IO(16, "w", uint16_t)
PORT_IO(32, "l", uint32_t)

/* Memory that is a device's: one access of just this size. */
#define MEMORY_IO(size, type) \
	static inline type read##size(uint64_t at) \
	{ \
		return *(volatile type *)(uintptr_t)at; \
	} \
	static inline void write##size(uint64_t at, type v) \
	{ \
		*(volatile type *)(uintptr_t)at = v; \
	}
MEMORY_IO(8, uint8_t)
MEMORY_IO(16, uint16_t)
MEMORY_IO(32, uint32_t)
MEMORY_IO(64, uint64_t)

struct cpuid_regs {
	uint32_t a, b, c, d;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t index)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(index));
	return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void interrupts(int on)
{
	if (on)
		__asm__ volatile("sti; nop" : : : "memory"); /* one instruction later they come */
	else
		__asm__ volatile("cli" : : : "memory");
}

/* --- interrupts --- */

enum { VECTOR_FIRST = 0x40, VECTORS = 8 };

/* How often each of the vectors from VECTOR_FIRST on came. */
extern volatile unsigned came[VECTORS];

/* Until the vector came so often, or the clock says that it will not any more. With interrupts on. */
int comes(unsigned vector, unsigned times);

enum {
	LAPIC_ID = 0x20,
	LAPIC_EOI = 0xb0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ICR = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_TIMER = 0x320,
	LAPIC_COUNT = 0x380,
	LAPIC_NOW = 0x390,
	LAPIC_DIVIDE = 0x3e0,
};

static inline uint32_t lapic_read(unsigned reg)
{
	return read32(GPA_LAPIC + reg);
}

static inline void lapic_write(unsigned reg, uint32_t v)
{
	write32(GPA_LAPIC + reg, v);
}

/* --- time --- */

/* KVM's clock, in nanoseconds. */
uint64_t now_ns(void);
uint32_t clock_khz(void); /* of the TSC, as the clock's page has it */
unsigned clock_flags(void);

/* --- PCI: bus 0 through ECAM --- */

static inline uint64_t ecam(unsigned slot, unsigned off)
{
	return GPA_ECAM + slot * 0x8000ull + off;
}

#endif
