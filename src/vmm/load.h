/*
 * load - a kernel (ELF64 vmlinux, or a bzImage) and initramfs parts from descriptors into guest RAM.
 *
 * The files are a stranger's: any header may lie, any file may be shorter than it says.
 */
#ifndef VMM_LOAD_H
#define VMM_LOAD_H

#include <asm/bootparam.h>
#include <stdint.h>

#include "base/err.h"
#include "virtio/gmem.h"

struct kernel {
	gpa_t entry;	  /* of its 64-bit code */
	gpa_t start, end; /* what it covers in memory, bss and the room to unpack included */
	struct setup_header header; /* a bzImage's own; of zeros for a vmlinux, which has none */
};

struct initrd {
	gpa_t at;
	uint64_t len; /* 0: there is none */
};

/* 0, or negative with *e filled: no kernel for x86-64, cut, or too large for the RAM. */
int load_kernel(const struct gmem *m, int fd, struct kernel *k, struct err *e);

/* The parts one behind the other, each from a multiple of 4 on, at the top of low RAM above the
 * kernel. 0, or negative with *e filled. */
int load_initrd(const struct gmem *m, const struct kernel *k, const int32_t *fd, unsigned nfds,
		struct initrd *i, struct err *e);

#endif
