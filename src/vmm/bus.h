/*
 * bus - which device answers at an address: one for I/O ports, one for memory.
 *
 * Filled while the machine is built, only read afterwards. Accesses come from vCPU threads under
 * the machine's lock. Reads of nothing are all ones, writes to nothing are lost, as on a board.
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include <stdint.h>

struct bus_dev {
	uint64_t at, len;
	void *ctx; /* borrowed */
	/* off is inside the device; size is 1, 2, 4 or 8 and does not reach beyond it. */
	uint64_t (*read)(void *ctx, uint64_t off, unsigned size);
	void (*write)(void *ctx, uint64_t off, unsigned size, uint64_t value);
};

enum { BUS_DEVS = 16 };

struct bus {
	struct bus_dev dev[BUS_DEVS];
	unsigned count;
};

/* Where ranges overlap, the one that was added first answers to what lies in it whole. There are never more
 * than BUS_DEVS: both are the board's doing. */
void bus_add(struct bus *b, const struct bus_dev *d);

uint64_t bus_read(const struct bus *b, uint64_t at, unsigned size);
void bus_write(const struct bus *b, uint64_t at, unsigned size, uint64_t value);

#endif
