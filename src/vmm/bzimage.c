/*
 * bzimage - a kernel as distributions pack it, entered in 64-bit mode: it unpacks itself.
 *
 * Documentation/arch/x86/boot.rst: the setup header lies at 0x1f1 of the file, the code that is to
 * be entered behind the real-mode part. The guest pays for the unpacking at each start, which is
 * why a kernel that is started often should be an ELF vmlinux.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/util.h"
#include "vmm/kernel_file.h"
#include "vmm/layout.h"

enum {
	HEADER_AT = 0x1f1,
	VERSION_MIN = 0x020c, /* the first whose xloadflags tell of a 64-bit entry */
	SECTOR = 512,
	PARAGRAPH = 16,
	SETUP_SECTS_OLD = 4, /* what 0 means */
	ENTRY_64 = 0x200,    /* from the loaded code on */
};

static int read_header(const struct kernel_file *f, struct setup_header *h, struct err *e)
{
	size_t len;

	/* The byte at 0x201 is a jump over the header: so its end is told. */
	len = 0x202u + f->head[0x201] - HEADER_AT;
	len = MIN(len, MIN(sizeof(*h), f->len - HEADER_AT));
	memset(h, 0, sizeof(*h));
	memcpy(h, f->head + HEADER_AT, len);
	if (h->version < VERSION_MIN || len < offsetof(struct setup_header, handover_offset))
		return err_set(e, -ENOEXEC,
			       "the kernel is a bzImage of boot protocol %u.%02u, from before "
			       "Linux 3.8: give its vmlinux",
			       h->version >> 8, h->version & 0xffu);
	if (!(h->xloadflags & XLF_KERNEL_64))
		return err_set(e, -ENOEXEC,
			       "the kernel is a bzImage without a 64-bit entry: is it for "
			       "32-bit x86?");
	return 0;
}

int bzimage_load(const struct gmem *m, const struct kernel_file *f, struct kernel *k,
		 struct err *e)
{
	struct setup_header *h = &k->header;
	uint64_t code_at, len, at;
	uint8_t *to;
	int rc;

	*k = (struct kernel){ 0 };
	rc = read_header(f, h, e);
	if (rc < 0)
		return rc;
	code_at = (1ull + (h->setup_sects ? h->setup_sects : SETUP_SECTS_OLD)) * SECTOR;
	len = (uint64_t)h->syssize * PARAGRAPH;
	/* What lies behind it in the file, a signature for example, is not the kernel's. The file may
	 * end a few bytes earlier than a whole paragraph. */
	if (code_at >= f->size || len > ALIGN_UP(f->size - code_at, (uint64_t)PARAGRAPH))
		return err_set(e, -EBADMSG,
			       "the kernel is truncated: its code ends at byte %" PRIu64
			       ", the file at %" PRIu64,
			       code_at + len, f->size);
	len = MIN(len, f->size - code_at);
	at = h->pref_address;
	if (at < GPA_KERNEL_MIN || len <= ENTRY_64 || h->init_size < len)
		return err_set(e, -ENOEXEC,
			       "the kernel's header makes no sense: %" PRIu64
			       " bytes of code at %#" PRIx64 " in %" PRIu32 " bytes of memory",
			       len, at, h->init_size);
	to = gmem_span(m, at, h->init_size);
	if (!to)
		return err_set(e, -ENOMEM,
			       "the kernel does not fit: it unpacks itself into memory up to %" PRIu64
			       " MiB; give the VM more with --memory",
			       ((at + h->init_size) >> 20) + 1);
	k->entry = at + ENTRY_64;
	k->start = at;
	k->end = at + h->init_size;
	return kernel_read_at(f->fd, to, len, code_at, "kernel", e);
}
