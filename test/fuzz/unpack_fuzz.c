/*
 * What a stranger packed, and a kernel file of any bytes: refused with a sentence, or no larger than it
 * may be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/unpack.h"
#include "image/vmlinux.h"

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int rc, const struct err *e, const struct blob *b)
{
	if (rc > 0 || (rc < 0 && (e->code != rc || !e->text[0] || b->data)))
		abort();
}

static void as_stream(const uint8_t *data, size_t size)
{
	struct err e = ERR_NONE;
	struct blob out;
	int rc = unpack(&out, "it", data, size, MOST, &e);

	check(rc, &e, &out);
	if (out.len > MOST || (rc != -ENOEXEC) != (unpack_format(data, size) != NULL))
		abort();
	blob_free(&out);
}

static void as_kernel(const uint8_t *data, size_t size)
{
	struct err e = ERR_NONE;
	struct blob file = BLOB_NONE;
	struct vmlinux k;
	int rc;

	if (blob_grow(&file, size + 1, size + 1) < 0)
		return;
	memcpy(file.data, data, size);
	file.len = size;
	rc = vmlinux_of(&k, &file, "it", &e);
	check(rc, &e, &k.elf);
	if (file.data || (rc == 0 && memcmp(k.elf.data, "\177ELF", 4) != 0) ||
	    strlen(k.version) >= sizeof(k.version))
		abort();
	blob_free(&k.elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_stream(data, size);
	as_kernel(data, size);
	return 0;
}
