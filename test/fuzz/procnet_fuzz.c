/* A line of /proc/net: the first byte picks the file. */
#include <stdlib.h>
#include <string.h>

#include "guest/info.h"
#include "guest/procnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port p;
	char *line;

	if (size == 0)
		return 0;
	line = calloc(1, size);
	memcpy(line, data + 1, size - 1);
	if (procnet_row(&p, line, data[0] & 1 ? PORT_TCP : PORT_UDP, data[0] & 2 ? 4 : 6) > 0 &&
	    p.port == 0)
		abort();
	info_meminfo(line, "MemTotal");
	free(line);
	return 0;
}
