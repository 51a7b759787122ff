/* What is said of files beside copies, by either side: the first byte picks the message. */
#include <stdlib.h>
#include <string.h>

#include "host/fsentry.h"
#include "proto/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t mem[FS_FRAME_MAX];

/* What was accepted fits a frame, and is encoded to the same bytes. */
static void same(long len, const uint8_t *data, size_t size)
{
	if (len < 0 || (size_t)len != size || memcmp(mem, data, size) != 0)
		abort();
}

static void request(const uint8_t *data, size_t size)
{
	struct fs_req q;

	/* A user of any length is the agent's to refuse: its inbox takes no longer frame. */
	if (size <= sizeof(mem) && fs_req_decode(&q, data, size) == 0)
		same(fs_req_encode(&q, mem, sizeof(mem)), data, size);
}

static void entry(const uint8_t *data, size_t size)
{
	char mode[FSENTRY_MODE_ROOM];
	struct fs_entry n;
	json_t *j;

	if (fs_entry_decode(&n, data, size) < 0)
		return;
	same(fs_entry_encode(&n, mem, sizeof(mem)), data, size);
	j = fsentry_json(n.name, &n);
	if (!j || strlen(fsentry_mode(mode, n.mode)) != 10)
		abort();
	json_decref(j);
}

static void problem(const uint8_t *data, size_t size)
{
	struct fs_problem p;

	if (fs_problem_decode(&p, data, size) == 0)
		same(fs_problem_encode(&p, mem, sizeof(mem)), data, size);
}

static void enter(const uint8_t *data, size_t size)
{
	const char *name = fs_enter_decode(data, size);

	if (name && (!name[0] || strchr(name, '/') || !strcmp(name, "..")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const messages[])(const uint8_t *data, size_t size) = { request, entry,
									      problem, enter };

	if (size > 0)
		messages[data[0] % 4](data + 1, size - 1);
	return 0;
}
