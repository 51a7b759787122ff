/* A server's identification string: whole, and in pieces, it must be judged the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/banner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return 0;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct banner whole = BANNER_INIT, pieces = BANNER_INIT;
	size_t taken = banner_take(&whole, data, size), one_by_one = 0;
	char sample[256];

	for (size_t i = 0; i < size; i++)
		one_by_one += banner_take(&pieces, data + i, 1);
	if (taken != one_by_one || whole.verdict != pieces.verdict)
		abort();
	if (taken != size && whole.verdict == BANNER_MORE)
		abort();
	if (taken > BANNER_BEFORE_BYTES + 2 * BANNER_BEFORE_LINES + BANNER_MAX)
		abort();
	banner_sample(&whole, sample, sizeof(sample));
	if (!is_printable(sample) || !is_printable(whole.why))
		abort();
	if (whole.verdict == BANNER_OK &&
	    (!is_printable(whole.line) || whole.len > 254 || strlen(whole.line) != whole.len))
		abort();
	return 0;
}
