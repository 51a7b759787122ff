/*
 * cpio - writes an initramfs archive ("newc": Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * Each entry is a header of thirteen 8-digit hexadecimal fields, the name and the data, each padded
 * to 4 bytes. The kernel unpacks archives one after the other; a later file replaces an earlier one.
 */
#ifndef IMAGE_CPIO_H
#define IMAGE_CPIO_H

#include <stddef.h>
#include <sys/types.h>

struct cpio {
	int fd; /* borrowed: written to from its offset on */
	unsigned ino;
	int rc; /* the first failure, a negative errno: sticks */
};

#define CPIO_TO(fd_) ((struct cpio){ .fd = (fd_) })

/* Names are without a leading slash. */
void cpio_folder(struct cpio *c, const char *name, mode_t mode);
void cpio_device(struct cpio *c, const char *name, mode_t mode, unsigned major, unsigned minor);
void cpio_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len);

/* All of a regular file, from its start. */
void cpio_copy(struct cpio *c, const char *name, mode_t mode, int from);

/* The end of the archive: 0, or what failed first. */
int cpio_end(struct cpio *c);

#endif
