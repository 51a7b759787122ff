/*
 * kernel_file - what the loaders of each kernel format share: reading a stranger's file.
 */
#ifndef VMM_KERNEL_FILE_H
#define VMM_KERNEL_FILE_H

#include "vmm/load.h"

enum { KERNEL_HEAD = 0x290 }; /* a bzImage's setup header ends there at the latest */

/* The first bytes of the file, read once and then believed. */
struct kernel_file {
	int fd;	       /* borrowed */
	uint64_t size; /* bytes */
	size_t len;    /* of head: less than KERNEL_HEAD when the file is shorter */
	uint8_t head[KERNEL_HEAD];
};

/* All of it, or negative with *e filled: `what` is truncated or cannot be read. */
int kernel_read_at(int fd, void *to, uint64_t len, uint64_t off, const char *what, struct err *e);

/* Each takes a file of its format: guest RAM and *k are filled. 0 or negative with *e filled. */
int elf_load(const struct gmem *m, const struct kernel_file *f, struct kernel *k, struct err *e);
int bzimage_load(const struct gmem *m, const struct kernel_file *f, struct kernel *k,
		 struct err *e);

#endif
