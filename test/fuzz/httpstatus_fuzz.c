/* What a server answers to GET, in pieces as the network makes them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/httpstatus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how long the pieces are: the answer must not depend on it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct httpstatus whole = HTTPSTATUS_INIT, cut = HTTPSTATUS_INIT;
	char shown[100];
	size_t step;

	if (size == 0)
		return 0;
	step = data[0] % 16u + 1;
	data++, size--;
	httpstatus_take(&whole, data, size);
	for (size_t at = 0; at < size; at += step)
		httpstatus_take(&cut, data + at, size - at < step ? size - at : step);
	if (whole.code != cut.code || (whole.code > 0 && (whole.code < 100 || whole.code > 599)))
		abort();
	httpstatus_show(&whole, shown, sizeof(shown));
	if (strlen(shown) >= sizeof(shown) || (whole.code > 0 && memcmp(whole.line, "HTTP/", 5)))
		abort();
	return 0;
}
