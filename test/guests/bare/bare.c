/*
 * bare - guests without a kernel: the serial line, interrupts, KVM's clock.
 */
#include "bare.h"

#include "vmm/power.h"

enum {
	ZERO_PAGE_CMDLINE = 0x228, /* hdr.cmd_line_ptr of the boot parameters */
	SLEEP_S5 = 1 << 5 | 5 << 2,
	GATE_INTERRUPT = 0x8e,
	CODE_SELECTOR = 0x10,
	MSR_WALL_CLOCK_PAGE = 0x4b564d01, /* KVM's system time, the newer number */
};

static const char *cmdline;
static const uint8_t *boot_params;

void *memset(void *to, int c, size_t n)
{
	uint8_t *at = to;

	while (n-- > 0)
		*(volatile uint8_t *)at++ = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

/* --- what it says --- */

void say(const char *text)
{
	for (; *text; text++)
		out8(PORT_COM1, (uint8_t)*text);
}

void say_number(const char *what, uint64_t v)
{
	char hex[17];

	for (int i = 15; i >= 0; i--, v >>= 4)
		hex[i] = "0123456789abcdef"[v & 15];
	hex[16] = 0;
	say("# ");
	say(what);
	say(": 0x");
	say(hex);
	say("\n");
}

void check(int good, const char *what)
{
	say(good ? "ok - " : "not ok - ");
	say(what);
	say("\n");
}

void power_off(void)
{
	out8(PORT_POWER + POWER_SLEEP_CONTROL, SLEEP_S5);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* --- what it was told --- */

uint64_t bare_zero_page(void)
{
	return (uintptr_t)boot_params;
}

/* What stands behind the word where it ends with one of the characters, or NULL. */
static const char *find(const char *word, char end, char or_end)
{
	for (const char *at = cmdline; *at; at++) {
		size_t n = 0;

		while (word[n] && at[n] == word[n])
			n++;
		if (!word[n] && (at == cmdline || at[-1] == ' ') &&
		    (at[n] == end || at[n] == or_end))
			return at + n;
	}
	return NULL;
}

int bare_is(const char *word)
{
	return find(word, ' ', 0) != NULL;
}

unsigned bare_number(const char *word, unsigned other)
{
	const char *at = find(word, '=', '=');
	unsigned v = 0;

	if (!at)
		return other;
	while (*++at >= '0' && *at <= '9')
		v = v * 10 + (unsigned)(*at - '0');
	return v;
}

/* --- interrupts --- */

struct gate { /* Intel SDM volume 3, figure 6-8 */
	uint16_t low, selector;
	uint8_t stack, type;
	uint16_t middle;
	uint32_t high, reserved;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

struct frame;

/* Of start.S: one for each vector. */
extern const uint8_t fault_stubs[];
enum { STUB_BYTES = 16 };

static struct gate idt[256] __attribute__((aligned(16)));
volatile unsigned came[VECTORS];

static void set_gate(unsigned vector, uint64_t at)
{
	idt[vector] = (struct gate){
		.low = (uint16_t)at,
		.selector = CODE_SELECTOR,
		.type = GATE_INTERRUPT,
		.middle = (uint16_t)(at >> 16),
		.high = (uint32_t)(at >> 32),
	};
}

/* From start.S: an exception, or an interrupt nobody ordered. Some have an error code before the address. */
void bare_fault(uint64_t vector, const uint64_t *frame);

void bare_fault(uint64_t vector, const uint64_t *frame)
{
	check(0, "no exception, and no interrupt that nobody ordered");
	say_number("vector", vector);
	say_number("error code or address", frame[0]);
	say_number("address or segment", frame[1]);
	power_off();
}

#define HANDLER(n) \
	__attribute__((interrupt)) static void handler_##n(struct frame *f) \
	{ \
		(void)f; \
		came[n]++; \
		lapic_write(LAPIC_EOI, 0); \
	}
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)
HANDLER(4)
HANDLER(5)
HANDLER(6)
HANDLER(7)

static void open_interrupts(void)
{
	static void (*const handlers[VECTORS])(struct frame *) = {
		handler_0, handler_1, handler_2, handler_3,
		handler_4, handler_5, handler_6, handler_7,
	};
	struct table_pointer p = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned v = 0; v < 256; v++)
		set_gate(v, (uintptr_t)fault_stubs + v * STUB_BYTES);
	for (unsigned v = 0; v < VECTORS; v++)
		set_gate(VECTOR_FIRST + v, (uintptr_t)handlers[v]);
	__asm__ volatile("lidt %0" : : "m"(p));
	lapic_write(LAPIC_SPURIOUS, 0x1ff);
}

int comes(unsigned vector, unsigned times)
{
	const uint64_t second = 1000000000;
	uint64_t until = now_ns() + second;

	interrupts(1);
	while (came[vector - VECTOR_FIRST] < times && now_ns() < until)
		__asm__ volatile("pause");
	interrupts(0);
	return came[vector - VECTOR_FIRST] == times;
}

/* --- time --- */

struct clock_page { /* the kernel's Documentation/virt/kvm/x86/msr.rst */
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad_2[2];
};

static volatile struct clock_page clock_page __attribute__((aligned(4096)));

static struct clock_page read_page(void)
{
	struct clock_page p;

	do {
		p.version = clock_page.version;
		__asm__ volatile("" : : : "memory");
		p.tsc = clock_page.tsc;
		p.ns = clock_page.ns;
		p.mul = clock_page.mul;
		p.shift = clock_page.shift;
		p.flags = clock_page.flags;
		__asm__ volatile("" : : : "memory");
	} while ((p.version & 1) || p.version != clock_page.version);
	return p;
}

static uint64_t shifted(uint64_t v, int shift)
{
	return shift < 0 ? v >> -shift : v << shift;
}

__extension__ typedef unsigned __int128 wide;

uint64_t now_ns(void)
{
	struct clock_page p = read_page();
	uint64_t ticks = shifted(rdtsc() - p.tsc, p.shift);

	return p.ns + (uint64_t)((wide)ticks * p.mul >> 32);
}

uint32_t clock_khz(void)
{
	struct clock_page p = read_page();

	return (uint32_t)shifted((1000000ull << 32) / p.mul, -p.shift);
}

unsigned clock_flags(void)
{
	return read_page().flags;
}

/* --- its way --- */

void bare_main(const uint8_t *zero_page);

void bare_main(const uint8_t *zero_page)
{
	boot_params = zero_page;
	cmdline = (const char *)(uintptr_t) *
		  (const uint32_t *)(const void *)(zero_page + ZERO_PAGE_CMDLINE);
	open_interrupts();
	wrmsr(MSR_WALL_CLOCK_PAGE, (uintptr_t)&clock_page | 1);
	bare_run();
	say("done\n");
	power_off();
}
