/*
 * ends - the ways a guest's run may end, one a run: the command line says which.
 */
#include "bare.h"

#include "vmm/power.h"

static void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void panic(void)
{
	out8(PORT_PVPANIC, 1);
	triple_fault();
}

static void reset_register(void)
{
	out8(PORT_POWER + POWER_RESET, POWER_RESET_NOW);
}

static void keyboard(void)
{
	out8(0x64, 0xfe);
}

/* As Linux does it: it makes sure of the kind of reset first. */
static void cf9(void)
{
	uint8_t v = in8(0xcf9) & (uint8_t)~0x0e;

	out8(0xcf9, v | 2);
	out8(0xcf9, v | 0x0e);
}

static void halt(void)
{
	__asm__ volatile("cli; hlt");
}

/* To where a PC's BIOS begins, with what is there for kernels that know no other way. */
static void bios(void)
{
	check(read8(GPA_BIOS_ENTRY) == 0xba, "there is something at the BIOS' entry");
	reset_register();
}

void bare_run(void)
{
	static const struct {
		const char *word;
		void (*end)(void);
	} ends[] = {
		{ "s5", power_off },	  { "reset", reset_register },
		{ "keyboard", keyboard }, { "cf9", cf9 },
		{ "bios", bios },	  { "triple", triple_fault },
		{ "panic", panic },	  { "halt", halt },
	};

	say("up\n");
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (bare_is(ends[i].word))
			ends[i].end();
	check(0, "it goes on behind its end");
}
