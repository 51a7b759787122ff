/*
 * block - a header of a tar archive: ustar's fields, and how numbers are written in them.
 */
#ifndef TREE_BLOCK_H
#define TREE_BLOCK_H

#include <stdint.h>

enum { TAR_BLOCK = 512 };

/* POSIX.1-2017, pax, "ustar Interchange Format". */
struct tar_block {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, linkname[100];
	char magic[8], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct tar_block) == TAR_BLOCK, "a header is a block");

enum tar_type {
	TAR_FILE = '0',
	TAR_LINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHAR = '3',
	TAR_BLOCKDEV = '4',
	TAR_DIR = '5',
	TAR_FIFO = '6',
	TAR_CONTIGUOUS = '7', /* a file */
	TAR_PAX = 'x',
	TAR_PAX_GLOBAL = 'g',
	TAR_GNU_NAME = 'L',
	TAR_GNU_LINK = 'K',
	TAR_GNU_SPARSE = 'S',
};

/* Octal digits and a NUL. Nonzero when the value does not fit, the field then being all 7s. */
int tar_put_number(char *field, unsigned len, uint64_t value);

/* Octal, or GNU's base 256. 0 or -EPROTO. */
int tar_get_number(int64_t *value, const char *field, unsigned len);

/* The sum over the block with its own field as blanks. */
uint32_t tar_sum(const struct tar_block *b);

#endif
