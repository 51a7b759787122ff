/*
 * modules - the kernel modules that a guest needs before it can reach its host, as an initramfs
 * archive that guest/modules loads in the order of the names.
 */
#ifndef IMAGE_MODULES_H
#define IMAGE_MODULES_H

#include "base/err.h"

enum { MODULES_MAX = 100 };

struct modules {
	unsigned count;
	char name[MODULES_MAX][64]; /* in the order they are loaded */
};

struct modules_wish {
	const char *dir;	 /* /lib/modules/VERSION, with modules.dep as depmod writes it */
	const char *version;	 /* of the kernel, "" when it is not known: those of another are refused */
	const char *folder;	 /* where they lie in the archive */
	const char *const *more; /* by name, NULL-terminated; or NULL */
};

/* Picks what vmtool's devices need and what is wished for beyond, with their dependencies, unpacks
 * them, and writes the archive to fd: FOLDER/00-virtio_ring.ko and so on. What is built into the
 * kernel is left out. 0 or negative with *e filled. */
int modules_pack(struct modules *m, const struct modules_wish *w, int fd, struct err *e);

#endif
