/*
 * A kernel file of any bytes: refused with a sentence, or inside RAM with its entry in it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/layout.h"
#include "vmm/load.h"

enum { LOW = 2 << 20, HIGH = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One file for all inputs: making one each time would be most of the work. */
static int file_of(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("kernel", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t low[LOW], high[HIGH];
	static const struct gmem mem = { { { 0, LOW, low }, { GPA_HIGH, HIGH, high } } };
	int32_t fd = file_of(data, size);
	struct err e = ERR_NONE;
	struct initrd i;
	struct kernel k;
	int rc;

	rc = load_kernel(&mem, fd, &k, &e);
	if (rc > 0 || (rc < 0 && (e.code != rc || !e.text[0])))
		abort();
	if (rc < 0)
		return 0;
	if (k.start < GPA_KERNEL_MIN || k.end <= k.start || k.entry < k.start || k.entry >= k.end)
		abort();
	if (!gmem_span(&mem, k.end - 1, 1) || !gmem_span(&mem, k.start, 1))
		abort();
	rc = load_initrd(&mem, &k, &fd, 1, &i, &e);
	if (rc == 0 && i.len > 0 && (i.at < k.end || !gmem_span(&mem, i.at, i.len)))
		abort();
	return 0;
}
