/*
 * power - the registers by which a guest ends its run: sleep, reset, panic.
 */
#include "vmm/power.h"

#include "vmm/layout.h"

enum {
	SLP_EN = 1 << 5,
	SLP_TYP_S5 = 5 << 2, /* _S5 of dsdt.asl */
	SLP_TYP = 7 << 2,

	CHIPSET_RESET = 4, /* a rising edge is a reset, and of what kind the other bits say */

	I8042_COMMAND = 4, /* port 0x64 */
	I8042_RESET = 0xfe,

	PVPANIC_PANICKED = 1,
	PVPANIC_CRASH_LOADED = 2,
};

static uint64_t power_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx, (void)off, (void)size;
	return 0;
}

static void power_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct power *p = ctx;

	(void)size;
	if (off == POWER_SLEEP_CONTROL && (value & (SLP_EN | SLP_TYP)) == (SLP_EN | SLP_TYP_S5))
		p->event(p, POWER_OFF);
	if (off == POWER_RESET && (value & 0xff) == POWER_RESET_NOW)
		p->event(p, POWER_REBOOT);
}

/* All ones means "no controller": a kernel that reads zeroes waits for one, ten thousand
 * times (a stock kernel boots in 4.7 s then, against 1.7 s). */
static uint64_t i8042_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx, (void)off, (void)size;
	return UINT64_MAX;
}

static void i8042_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct power *p = ctx;

	(void)size;
	if (off == I8042_COMMAND && (value & 0xff) == I8042_RESET)
		p->event(p, POWER_REBOOT);
}

static void chipset_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct power *p = ctx;

	(void)off, (void)size;
	if (value & CHIPSET_RESET)
		p->event(p, POWER_REBOOT);
}

static uint64_t pvpanic_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx, (void)off, (void)size;
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED; /* the events we know */
}

static void pvpanic_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct power *p = ctx;

	(void)off, (void)size;
	if (value & PVPANIC_PANICKED)
		p->panicked = 1;
}

void power_attach(struct power *p, struct bus *ports)
{
	bus_add(ports, &(struct bus_dev){ PORT_POWER, POWER_LEN, p, power_read, power_write });
	bus_add(ports, &(struct bus_dev){ PORT_I8042, 5, p, i8042_read, i8042_write });
	/* Of one byte: wider accesses there are PCI's. */
	bus_add(ports, &(struct bus_dev){ PORT_RESET, 1, p, power_read, chipset_write });
	bus_add(ports, &(struct bus_dev){ PORT_PVPANIC, 1, p, pvpanic_read, pvpanic_write });
}
