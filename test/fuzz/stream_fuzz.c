/* The payloads of port 4093, from either side. */
#include <stdlib.h>
#include <string.h>

#include "proto/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken must come back as the same bytes: there is one way to say a thing. */
static void request(const uint8_t *data, size_t size)
{
	uint8_t again[STREAM_REQ_MAX];
	struct stream_req q;

	if (stream_req_decode(&q, data, size) < 0)
		return;
	if ((q.kind == STREAM_UNIX) != (q.port == 0) || q.timeout_ms == 0)
		abort();
	if (q.kind == STREAM_UNIX && strlen(q.address) >= STREAM_PATH_MAX)
		abort();
	if (stream_req_encode(&q, again, sizeof(again)) != (long)size || memcmp(again, data, size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_opened o;

	request(data, size);
	if (stream_opened_decode(&o, data, size) == 0 && strlen(o.peer) >= STREAM_ADDRESS_MAX)
		abort();
	return 0;
}
