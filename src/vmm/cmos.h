/*
 * cmos - the real-time clock a PC keeps behind ports 0x70 and 0x71 (Motorola MC146818).
 *
 * Only read, always the host's time in UTC, never "update in progress": a kernel that sees that
 * bit, or all ones, polls it twenty thousand times at boot.
 */
#ifndef VMM_CMOS_H
#define VMM_CMOS_H

#include <stdint.h>

#include "vmm/bus.h"

struct cmos {
	uint8_t index;
};

void cmos_attach(struct cmos *c, struct bus *ports);

#endif
