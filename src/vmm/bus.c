/*
 * bus - which device answers at an address: one for I/O ports, one for memory.
 */
#include "vmm/bus.h"

#include <stddef.h>
#include <stdlib.h>

void bus_add(struct bus *b, const struct bus_dev *d)
{
	if (b->count == BUS_DEVS)
		abort();
	b->dev[b->count++] = *d;
}

static const struct bus_dev *find(const struct bus *b, uint64_t at, unsigned size)
{
	for (unsigned i = 0; i < b->count; i++) {
		const struct bus_dev *d = &b->dev[i];

		if (at >= d->at && at - d->at < d->len && size <= d->len - (at - d->at))
			return d;
	}
	return NULL;
}

uint64_t bus_read(const struct bus *b, uint64_t at, unsigned size)
{
	const struct bus_dev *d = find(b, at, size);

	return d && d->read ? d->read(d->ctx, at - d->at, size) : UINT64_MAX;
}

void bus_write(const struct bus *b, uint64_t at, unsigned size, uint64_t value)
{
	const struct bus_dev *d = find(b, at, size);

	if (d && d->write)
		d->write(d->ctx, at - d->at, size, value);
}
