/*
 * power - the registers by which a guest ends its run: sleep, reset, panic.
 *
 * ACPI's sleep control and reset registers (ACPI 6.4 sections 4.8.3.6 and 4.8.3.7), the i8042's
 * reset line, a chipset's reset control at 0xcf9 (Linux's reboot=pci), and pvpanic (QEMU
 * docs/specs/pvpanic: one port, bit 0 is "panicked").
 */
#ifndef VMM_POWER_H
#define VMM_POWER_H

#include "vmm/bus.h"

enum {
	/* offsets from PORT_POWER */
	POWER_SLEEP_CONTROL = 0,
	POWER_SLEEP_STATUS = 1,
	POWER_RESET = 2,
	POWER_LEN = 3,

	POWER_RESET_NOW = 1,
};

enum power_event { POWER_OFF = 1, POWER_REBOOT };

struct power {
	int panicked; /* the guest said so; the reset that follows means a panic */
	void (*event)(struct power *p, enum power_event ev);
};

/* Adds the registers to the port bus. */
void power_attach(struct power *p, struct bus *ports);

#endif
