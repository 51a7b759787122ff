/* Port 4089's payloads, from either side. */
#include <stdlib.h>
#include <string.h>

#include "proto/exec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const uint8_t *data, size_t size)
{
	static struct exec_req q;

	if (exec_req_decode(&q, data, size) < 0)
		return;
	if (q.argc == 0 || q.argv[0][0] == '\0' || q.argv[q.argc] || q.env[q.envc])
		abort();
	for (uint32_t i = 0; i < q.envc; i++)
		if (!strchr(q.env[i], '='))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exec_status status;
	struct refusal no;
	int code;

	request(data, size);
	if (exec_status_decode(&status, data, size) == 0) {
		code = exec_status_code(&status);
		if (code < 0 || code > 255)
			abort();
	}
	if (refusal_decode(&no, data, size) == 0) {
		code = refusal_code(&no);
		if (code < 125 || code > 127)
			abort();
	}
	return 0;
}
