/* The payloads of ports 4089 and 4090, from either side. */
#include <stdlib.h>
#include <string.h>

#include "proto/exec.h"
#include "proto/refusal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const uint8_t *data, size_t size)
{
	static struct exec_req q;

	if (exec_req_decode(&q, data, size) < 0)
		return;
	if (q.argc == 0 || q.argv[0][0] == '\0' || q.argv[q.argc] || q.env[q.envc])
		abort();
	for (uint32_t i = 0; i < q.npaths; i++)
		if (q.paths[i].path[0] != '/')
			abort();
	for (uint32_t i = 0; i < q.envc; i++)
		if (!strchr(q.env[i], '='))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exec_status status;
	struct exec_started started;
	struct exec_attach attach;
	struct exec_seen seen;
	uint8_t again[EXEC_SEEN_BYTES];
	struct refusal no;
	uint16_t rows, cols;
	int code;

	request(data, size);
	if (exec_status_decode(&status, data, size) == 0) {
		code = exec_status_code(&status);
		if (code < 0 || code > 255)
			abort();
	}
	if (exec_started_decode(&started, data, size) == 0 && !exec_id_is_valid(started.id))
		abort();
	if (exec_attach_decode(&attach, data, size) == 0 && !exec_id_is_valid(attach.id))
		abort();
	if (exec_size_decode(&rows, &cols, data, size) == 0 && (rows == 0 || cols == 0))
		abort();
	if (exec_seen_decode(&seen, data, size) == 0) {
		exec_seen_encode(&seen, again);
		if (size != sizeof(again) || memcmp(again, data, size) != 0)
			abort();
	}
	if (refusal_decode(&no, data, size) == 0) {
		code = refusal_code(&no);
		if (code < 125 || code > 127)
			abort();
	}
	return 0;
}
