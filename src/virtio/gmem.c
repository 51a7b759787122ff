/*
 * gmem - the guest's RAM, and the one checked door into it.
 */
#include "virtio/gmem.h"

#include <stddef.h>

#include "base/util.h"

void *gmem_span(const struct gmem *m, gpa_t at, uint64_t len)
{
	for (unsigned i = 0; i < COUNT(m->region); i++) {
		const struct gmem_region *r = &m->region[i];

		/* Differences only: a sum could wrap. */
		if (at >= r->at && at - r->at < r->len && len <= r->len - (at - r->at) && len > 0)
			return r->host + (at - r->at);
	}
	return NULL;
}
