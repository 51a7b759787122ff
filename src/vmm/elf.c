/*
 * elf - an x86-64 vmlinux: its segments go where it wants them.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "vmm/kernel_file.h"
#include "vmm/layout.h"

enum { SEGMENTS_MAX = 64 };

static int read_header(const struct kernel_file *f, Elf64_Ehdr *h, struct err *e)
{
	if (f->len < sizeof(*h))
		return err_set(e, -EBADMSG, "the kernel is truncated: its ELF header is cut");
	memcpy(h, f->head, sizeof(*h));
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

static int load_segment(const struct gmem *m, const struct kernel_file *f, const Elf64_Phdr *p,
			struct err *e)
{
	uint8_t *to;

	if (p->p_filesz > p->p_memsz)
		return err_set(e, -ENOEXEC,
			       "the kernel has a segment larger in the file than in "
			       "memory");
	if (p->p_offset > f->size || p->p_filesz > f->size - p->p_offset)
		return err_set(e, -EBADMSG,
			       "the kernel is truncated: a segment ends at byte %" PRIu64
			       ", the file at %" PRIu64,
			       p->p_offset + p->p_filesz, f->size);
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
	return kernel_read_at(f->fd, to, p->p_filesz, p->p_offset, "kernel", e);
}

int elf_load(const struct gmem *m, const struct kernel_file *f, struct kernel *k, struct err *e)
{
	Elf64_Phdr ph[SEGMENTS_MAX];
	Elf64_Ehdr h = { 0 };
	int rc = read_header(f, &h, e);

	if (rc < 0)
		return rc;
	if (h.e_phoff > f->size || h.e_phnum * sizeof(ph[0]) > f->size - h.e_phoff)
		return err_set(e, -EBADMSG, "the kernel is truncated: its segment table is cut");
	rc = kernel_read_at(f->fd, ph, h.e_phnum * sizeof(ph[0]), h.e_phoff, "kernel", e);
	*k = (struct kernel){ .entry = h.e_entry, .start = UINT64_MAX };
	for (unsigned i = 0; i < h.e_phnum && rc == 0; i++) {
		if (ph[i].p_type != PT_LOAD || ph[i].p_memsz == 0)
			continue;
		rc = load_segment(m, f, &ph[i], e);
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
