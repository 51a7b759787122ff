/* What a guest is to become, as process 1 reads it. */
#include <stdlib.h>
#include <string.h>

#include "proto/desc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest_desc g, again;
	static uint8_t mem[2 * DESC_BYTES_MAX];
	long len;

	if (size > DESC_BYTES_MAX || guest_desc_decode(&g, data, size) < 0)
		return 0;
	if (g.nnics > DESC_NICS_MAX || g.nmounts > DESC_MOUNTS_MAX ||
	    g.nservices > DESC_SERVICES_MAX || g.init[g.ninit] || (g.has_main && g.main.argc == 0))
		abort();
	for (uint32_t i = 0; i < g.nmounts; i++)
		if (g.mounts[i].target[0] != '/')
			abort();
	/* What was understood can be said again, in the same bytes. */
	len = guest_desc_encode(&g, mem, sizeof(mem));
	if (len != (long)size || memcmp(mem, data, size) ||
	    guest_desc_decode(&again, mem, size) < 0)
		abort();
	return 0;
}
