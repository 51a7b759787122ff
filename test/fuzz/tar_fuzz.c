/* A hostile archive: as steps, into a scratch folder and into an archive again. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/util.h"
#include "tree/make.h"
#include "tree/tar.h"
#include "tree/untar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every step goes to both, and must be one that the wire would carry. */
struct tee {
	struct sink sink;
	struct make make;
	struct tar tar;
};

static char base[64], dst[80], outside[80];

static void no_line(struct report *r, const char *text)
{
	(void)r;
	if (text[0] == '\0')
		abort();
}

static int take(struct sink *s, const struct copy_msg *m, struct err *e)
{
	static uint8_t mem[COPY_FRAME_MAX + COPY_LINK_MAX];
	struct tee *t = CONTAINER(s, struct tee, sink);
	struct copy_msg copy;
	long len;
	int rc;

	if (m->type != FRAME_COPY_DATA) {
		len = copy_msg_encode(m, mem, sizeof(mem));
		if (len < 0)
			abort();
		if (copy_msg_decode(&copy, &(struct frame){ m->type, (uint32_t)len, mem }) < 0)
			abort();
	}
	rc = sink_take(&t->make.sink, m, e);
	return rc < 0 ? rc : sink_take(&t->tar.sink, m, e);
}

static void world(void)
{
	struct err e = ERR_NONE;

	snprintf(base, sizeof(base), "/tmp/tar_fuzz.%d", (int)getpid());
	path_remove_tree(AT_FDCWD, base, &e);
	snprintf(dst, sizeof(dst), "%s/dst", base);
	snprintf(outside, sizeof(outside), "%s/out", base);
	if (mkdir(base, 0700) < 0 || mkdir(dst, 0700) < 0 || mkdir(outside, 0700) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int in = memfd_create("in", MFD_CLOEXEC), out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct report r = { no_line, 0 };
	struct tee t = { .sink.take = take };
	struct err e = ERR_NONE;

	if (write(in, data, size) != (ssize_t)size || lseek(in, 0, SEEK_SET) < 0)
		abort();
	world();
	make_open(&t.make, dst, COPY_INTO, &r);
	tar_open(&t.tar, out, &r);
	if (untar(in, 0, &t.sink, &r, &e) == 0 && tar_finish(&t.tar, &e) < 0)
		abort();
	tar_close(&t.tar);
	make_close(&t.make);
	close(in);
	close(out);
	if (rmdir(outside) < 0)
		abort();
	path_remove_tree(AT_FDCWD, base, &e);
	return 0;
}
