/* The machine description: what decodes must encode to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "proto/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[SPEC_BYTES_MAX];
	struct spec s;
	struct vmm_trouble t;
	struct vmm_exit x;
	long n;

	if (spec_decode(&s, data, size) == 0) {
		n = spec_encode(&s, again, sizeof(again));
		if (n >= 0 && ((size_t)n != size || memcmp(again, data, size) != 0))
			abort();
	}
	if (vmm_trouble_decode(&t, data, size) == 0 && (t.disk >= SPEC_DISKS_MAX || t.work >= VMM_WORKS))
		abort();
	if (vmm_exit_decode(&x, data, size) == 0 && strlen(x.text) > VMM_TEXT_MAX)
		abort();
	return 0;
}
