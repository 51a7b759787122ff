/* A copy from a hostile peer: its frames, and what they make in a scratch folder. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "tree/make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 64 };

static char base[64], dst[80], outside[80];

static void no_line(struct report *r, const char *text)
{
	(void)r;
	if (text[0] == '\0')
		abort();
}

/* base/dst is where it may write, base/out where never. */
static void world(void)
{
	struct err e = ERR_NONE;

	snprintf(base, sizeof(base), "/tmp/copy_fuzz.%d", (int)getpid());
	path_remove_tree(AT_FDCWD, base, &e);
	snprintf(dst, sizeof(dst), "%s/dst", base);
	snprintf(outside, sizeof(outside), "%s/out", base);
	if (mkdir(base, 0700) < 0 || mkdir(dst, 0700) < 0 || mkdir(outside, 0700) < 0)
		abort();
}

static void feed(const uint8_t *data, size_t size)
{
	struct inbox in = { (uint8_t *)data, size, 0, size };
	struct report r = { no_line, 0 };
	struct err e = ERR_NONE;
	struct copy_msg m;
	struct make make;
	struct frame f;
	int rc = 0;

	make_open(&make, dst, size & COPY_INTO, &r);
	for (int i = 0; rc == 0 && i < STEPS_MAX && frame_next(&in, &f) > 0; i++)
		if (copy_msg_decode(&m, &f) == 0)
			rc = sink_take(&make.sink, &m, &e);
	make_close(&make);
}

static void request(const uint8_t *data, size_t size)
{
	uint8_t again[COPY_REQ_PATH_MAX + 4096];
	struct copy_req q;

	if (size < 4096 && copy_req_decode(&q, data, size) == 0 &&
	    (copy_req_encode(&q, again, sizeof(again)) != (long)size || memcmp(again, data, size)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_NONE;

	request(data, size);
	world();
	feed(data, size);
	/* Still empty, and still there. */
	if (rmdir(outside) < 0)
		abort();
	path_remove_tree(AT_FDCWD, base, &e);
	return 0;
}
