/*
 * load - a kernel (ELF64 vmlinux) and initramfs parts from descriptors into guest RAM.
 */
#include "vmm/load.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "vmm/layout.h"

enum {
	SEGMENTS_MAX = 64,
	INITRD_ALIGN = 4096,
	PART_ALIGN = 4, /* a cpio archive begins on a multiple of 4 */
};
/* What boot_params promises: hdr.initrd_addr_max of every kernel since 2.6. */
#define INITRD_TOP 0x7fffffffull

static int read_at(int fd, void *to, uint64_t len, uint64_t off, const char *what, struct err *e)
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
		{ 0x202, "HdrS", "a bzImage (unpack it to its vmlinux first)" },
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

static int read_elf_header(int fd, uint64_t size, Elf64_Ehdr *h, struct err *e)
{
	uint8_t head[0x210];
	size_t len = (size_t)MIN(size, sizeof(head));
	int rc;

	if (size == 0)
		return err_set(e, -ENOEXEC, "the kernel is an empty file");
	rc = read_at(fd, head, len, 0, "kernel", e);
	if (rc < 0)
		return rc;
	if (len < SELFMAG || memcmp(head, ELFMAG, SELFMAG))
		return err_set(e, -ENOEXEC, "the kernel is %s: it must be an x86-64 ELF vmlinux",
			       what_it_is(head, len));
	if (len < sizeof(*h))
		return err_set(e, -EBADMSG, "the kernel is truncated: its ELF header is cut");
	memcpy(h, head, sizeof(*h));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64)
		return err_set(e, -ENOEXEC, "the kernel is not for x86-64 (ELF machine %u)",
			       h->e_machine);
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return err_set(e, -ENOEXEC, "the kernel is an ELF file, but no executable");
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX)
		return err_set(e, -ENOEXEC, "the kernel's ELF header names %u segments of %u bytes",
			       h->e_phnum, h->e_phentsize);
	return 0;
}

static int load_segment(const struct gmem *m, int fd, uint64_t size, const Elf64_Phdr *p,
			struct err *e)
{
	uint8_t *to;

	if (p->p_filesz > p->p_memsz)
		return err_set(e, -ENOEXEC,
			       "the kernel has a segment larger in the file than in "
			       "memory");
	if (p->p_offset > size || p->p_filesz > size - p->p_offset)
		return err_set(e, -EBADMSG,
			       "the kernel is truncated: a segment ends at byte %" PRIu64
			       ", the file at %" PRIu64,
			       p->p_offset + p->p_filesz, size);
	if (p->p_paddr < GPA_KERNEL_MIN)
		return err_set(e, -ENOEXEC,
			       "the kernel wants to lie at %#" PRIx64 ", below the first MiB",
			       p->p_paddr);
	to = gmem_span(m, p->p_paddr, p->p_memsz);
	if (!to)
		return err_set(e, -ENOMEM,
			       "the kernel does not fit: it needs memory up to %" PRIu64
			       " MiB; give the VM more with --memory",
			       ((p->p_paddr + p->p_memsz) >> 20) + 1);
	/* What lies behind p_filesz is the guest's fresh memory: zero already. */
	return read_at(fd, to, p->p_filesz, p->p_offset, "kernel", e);
}

int load_kernel(const struct gmem *m, int fd, struct kernel *k, struct err *e)
{
	Elf64_Phdr ph[SEGMENTS_MAX];
	Elf64_Ehdr h = { 0 };
	uint64_t size;
	int rc;

	rc = file_size(fd, "kernel", &size, e);
	if (rc == 0)
		rc = read_elf_header(fd, size, &h, e);
	if (rc < 0)
		return rc;
	if (h.e_phoff > size || h.e_phnum * sizeof(ph[0]) > size - h.e_phoff)
		return err_set(e, -EBADMSG, "the kernel is truncated: its segment table is cut");
	rc = read_at(fd, ph, h.e_phnum * sizeof(ph[0]), h.e_phoff, "kernel", e);
	*k = (struct kernel){ .entry = h.e_entry, .start = UINT64_MAX };
	for (unsigned i = 0; i < h.e_phnum && rc == 0; i++) {
		if (ph[i].p_type != PT_LOAD || ph[i].p_memsz == 0)
			continue;
		rc = load_segment(m, fd, size, &ph[i], e);
		if (rc == 0) {
			k->start = MIN(k->start, ph[i].p_paddr);
			k->end = MAX(k->end, ph[i].p_paddr + ph[i].p_memsz);
		}
	}
	if (rc == 0 && (k->entry < k->start || k->entry >= k->end))
		rc = err_set(e, -ENOEXEC, "the kernel's entry %#" PRIx64 " lies outside of it",
			     k->entry);
	return rc;
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
		rc = read_at(fd[i], to + at, part[i], 0, "initrd", e);
		at += (unsigned)part[i];
	}
	return rc;
}
