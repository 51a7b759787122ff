/*
 * vmlinux - the ELF file inside a kernel as distributions pack it.
 *
 * Documentation/arch/x86/boot.rst: the setup header of a bzImage at 0x1f1 says where its code
 * begins, and where in it the packed kernel lies.
 */
#include "image/vmlinux.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "image/unpack.h"

enum {
	HEADER_AT = 0x1f1,
	SECTOR = 512,
	SETUP_SECTS_OLD = 4,	  /* what 0 means */
	VERSION_PAYLOAD = 0x0208, /* the first whose header tells of the payload */
};

static int is_elf(const uint8_t *data, size_t len)
{
	return len >= 4 && !memcmp(data, "\177ELF", 4);
}

static int is_bzimage(const struct blob *f)
{
	return f->len >= HEADER_AT + sizeof(struct setup_header) &&
	       !memcmp(f->data + 0x202, "HdrS", 4);
}

/* Of what the kernel says first when it boots: "Linux version 6.1.0-56-cloud-amd64 (build@...". */
static void read_version(struct vmlinux *k)
{
	static const char banner[] = "Linux version ";
	const char *end = (const char *)k->elf.data + k->elf.len;
	const char *at = memmem(k->elf.data, k->elf.len, banner, sizeof(banner) - 1);
	size_t n = 0;

	if (!at)
		return;
	for (at += sizeof(banner) - 1; at + n < end && n < sizeof(k->version) - 1; n++)
		if (at[n] <= ' ' || at[n] >= 0x7f)
			break;
	memcpy(k->version, at, n);
}

static int unpack_payload(struct vmlinux *k, const struct blob *f, const char *path, struct err *e)
{
	struct setup_header h;
	uint64_t at;
	int rc;

	memcpy(&h, f->data + HEADER_AT, sizeof(h));
	if (h.version < VERSION_PAYLOAD)
		return err_set(e, -ENOEXEC,
			       "%s: is a bzImage of boot protocol %u.%02u, from before Linux 2.6.26",
			       path, h.version >> 8, h.version & 0xffu);
	at = (1ull + (h.setup_sects ? h.setup_sects : SETUP_SECTS_OLD)) * SECTOR + h.payload_offset;
	if (at > f->len || h.payload_length > f->len - at)
		return err_set(e, -EBADMSG,
			       "%s: is truncated: what is packed in it ends at byte %llu, the file "
			       "at %zu",
			       path, (unsigned long long)at + h.payload_length, f->len);
	k->packing = unpack_format(f->data + at, h.payload_length);
	rc = unpack(&k->elf, path, f->data + at, h.payload_length, VMLINUX_MAX, e);
	if (rc < 0)
		return rc;
	if (is_elf(k->elf.data, k->elf.len))
		return 0;
	blob_free(&k->elf);
	return err_set(e, -ENOEXEC, "%s: what is packed in it is no ELF file", path);
}

/* What is packed as a whole, as some distributions ship their vmlinux. */
static int unpack_file(struct vmlinux *k, const struct blob *f, const char *path, struct err *e)
{
	int rc;

	k->packing = unpack_format(f->data, f->len);
	if (!k->packing)
		return err_set(e, -ENOEXEC,
			       "%s: is no kernel for x86-64: neither a bzImage nor an ELF vmlinux",
			       path);
	rc = unpack(&k->elf, path, f->data, f->len, VMLINUX_MAX, e);
	if (rc < 0 || is_elf(k->elf.data, k->elf.len))
		return rc;
	blob_free(&k->elf);
	return err_set(e, -ENOEXEC, "%s: what is packed in it is no ELF vmlinux", path);
}

int vmlinux_of(struct vmlinux *k, struct blob *file, const char *path, struct err *e)
{
	int rc = 0;

	*k = (struct vmlinux){ .packing = "none" };
	if (is_elf(file->data, file->len)) {
		k->elf = *file;
		*file = BLOB_NONE;
	} else if (is_bzimage(file)) {
		rc = unpack_payload(k, file, path, e);
	} else {
		rc = unpack_file(k, file, path, e);
	}
	blob_free(file);
	if (rc == 0)
		read_version(k);
	return rc;
}
