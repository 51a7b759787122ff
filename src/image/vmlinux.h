/*
 * vmlinux - the ELF file inside a kernel as distributions pack it, so that no guest has to unpack
 * it again at each start.
 */
#ifndef IMAGE_VMLINUX_H
#define IMAGE_VMLINUX_H

#include "base/err.h"
#include "image/blob.h"

enum { VMLINUX_VERSION_ROOM = 96, VMLINUX_MAX = 512 << 20 };

struct vmlinux {
	struct blob elf;		    /* owned */
	const char *packing;		    /* a literal: "none", "gzip", "lz4", "xz", "zstd" */
	char version[VMLINUX_VERSION_ROOM]; /* "6.1.0-56-cloud-amd64"; "": it says none */
};

/* file: the bytes of a bzImage, of an ELF vmlinux, or of one that is packed. Taken over: freed, or
 * part of *k. path: for the sentence. 0 or negative with *e filled. */
int vmlinux_of(struct vmlinux *k, struct blob *file, const char *path, struct err *e);

#endif
