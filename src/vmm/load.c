/*
 * load - a kernel and initramfs parts from descriptors into guest RAM.
 */
#include "vmm/load.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "vmm/kernel_file.h"

enum {
	INITRD_ALIGN = 4096,
	PART_ALIGN = 4, /* a cpio archive begins on a multiple of 4 */
};
/* What an ELF kernel promises nowhere: hdr.initrd_addr_max of every bzImage since 2.6. */
#define INITRD_TOP 0x7fffffffull

int kernel_read_at(int fd, void *to, uint64_t len, uint64_t off, const char *what, struct err *e)
{
	uint8_t *at = to;

	while (len > 0) {
		ssize_t n = pread(fd, at, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read the %s", what);
		if (n == 0)
			return err_set(e, -EBADMSG,
				       "the %s is truncated: it ends at byte %" PRIu64
				       " and should go on",
				       what, off);
		at += n;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int file_size(int fd, const char *what, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "the %s", what);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "the %s is not a regular file", what);
	*size = (uint64_t)st.st_size;
	return 0;
}

/* A name for what people pass by mistake. */
static const char *what_it_is(const uint8_t *head, size_t len)
{
	static const struct {
		size_t at;
		const char *bytes, *name;
	} known[] = {
		{ 0, "\x1f\x8b", "a gzip file" },
		{ 0, "\x28\xb5\x2f\xfd", "a zstd file" },
		{ 0, "\3757zXZ", "an xz file" },
		{ 0, "070701", "a cpio archive" },
		{ 0, "#!", "a script" },
	};

	for (unsigned i = 0; i < COUNT(known); i++) {
		size_t n = strlen(known[i].bytes);

		if (known[i].at + n <= len && !memcmp(head + known[i].at, known[i].bytes, n))
			return known[i].name;
	}
	return "no ELF file";
}

int load_kernel(const struct gmem *m, int fd, struct kernel *k, struct err *e)
{
	static const struct {
		size_t at;
		const char *magic;
		int (*load)(const struct gmem *m, const struct kernel_file *f, struct kernel *k,
			    struct err *e);
	} formats[] = { { 0, "\177ELF", elf_load }, { 0x202, "HdrS", bzimage_load } };
	struct kernel_file f = { .fd = fd };
	int rc = file_size(fd, "kernel", &f.size, e);

	if (rc < 0)
		return rc;
	if (f.size == 0)
		return err_set(e, -ENOEXEC, "the kernel is an empty file");
	f.len = (size_t)MIN(f.size, sizeof(f.head));
	rc = kernel_read_at(fd, f.head, f.len, 0, "kernel", e);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < COUNT(formats); i++)
		if (formats[i].at + 4 <= f.len && !memcmp(f.head + formats[i].at, formats[i].magic, 4))
			return formats[i].load(m, &f, k, e);
	return err_set(e, -ENOEXEC,
		       "the kernel is %s: it must be an x86-64 ELF vmlinux or a bzImage",
		       what_it_is(f.head, f.len));
}

static int initrd_length(const int32_t *fd, unsigned nfds, uint64_t *part, uint64_t *total,
			 struct err *e)
{
	*total = 0;
	for (unsigned i = 0; i < nfds; i++) {
		int rc = file_size(fd[i], "initrd", &part[i], e);

		if (rc < 0)
			return rc;
		if (part[i] > INITRD_TOP)
			return err_set(e, -EFBIG,
				       "the initrd has %" PRIu64 " MiB: at most 2047 fit",
				       part[i] >> 20);
		*total = ALIGN_UP(*total, (uint64_t)PART_ALIGN) + part[i];
	}
	return 0;
}

int load_initrd(const struct gmem *m, const struct kernel *k, const int32_t *fd, unsigned nfds,
		struct initrd *out, struct err *e)
{
	uint64_t top = MIN(m->region[0].at + m->region[0].len, INITRD_TOP);
	uint64_t part[8], len;
	uint8_t *to;
	int rc;

	*out = (struct initrd){ 0 };
	if (nfds > COUNT(part))
		return err_set(e, -E2BIG, "the initrd has %u parts", nfds);
	rc = initrd_length(fd, nfds, part, &len, e);
	if (rc < 0 || len == 0)
		return rc;
	if (len < top)
		out->at = (top - len) & ~(uint64_t)(INITRD_ALIGN - 1);
	to = out->at >= k->end ? gmem_span(m, out->at, len) : NULL;
	if (!to)
		return err_set(e, -ENOMEM,
			       "the initrd does not fit: %" PRIu64
			       " MiB above a kernel that ends at %" PRIu64
			       " MiB; give the VM more with --memory",
			       (len >> 20) + 1, (k->end >> 20) + 1);
	out->len = len;
	for (unsigned i = 0, at = 0; i < nfds && rc == 0; i++) {
		at = (unsigned)ALIGN_UP(at, (unsigned)PART_ALIGN);
		rc = kernel_read_at(fd[i], to + at, part[i], 0, "initrd", e);
		at += (unsigned)part[i];
	}
	return rc;
}
