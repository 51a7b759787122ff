/*
 * kernels - the catalogue of guest kernels: HOME/kernels/NAME/ with vmlinux, modules.cpio where the
 * kernel needs modules, and kernel.json, which says where it came from.
 *
 * A kernel is there whole or not at all, and never changes: one that is replaced stays what it was
 * for whoever has it open.
 */
#ifndef HOST_KERNELS_H
#define HOST_KERNELS_H

#include <jansson.h>

#include "host/home.h"

enum { KERNEL_NAME_ROOM = 64 };

/* The files of a kernel, as formats of HOME and NAME. */
#define KERNEL_IMAGE   "%s/kernels/%s/vmlinux"
#define KERNEL_MODULES "%s/kernels/%s/modules.cpio"

struct kernel_wish {
	const char *name;
	const char *file;	 /* a bzImage, an ELF vmlinux, or one that is packed */
	const char *modules;	 /* /lib/modules/VERSION; NULL: none */
	const char *const *more; /* further modules by name, NULL-terminated; or NULL */
	int replace;		 /* one of this name that is there */
};

/* *told, the caller's to json_decref(): what kernel.json says. 0 or negative with *e filled. */
int kernels_add(const struct home *h, const struct kernel_wish *w, json_t **told, struct err *e);

/* -ENOENT: there is none of this name. 0 or negative with *e filled. */
int kernels_remove(const struct home *h, const char *name, struct err *e);

/* An array of what kernel.json says of each, with its "name", sorted; one put there by hand has
 * nothing else to say. NULL with *e filled. */
json_t *kernels_list(const struct home *h, struct err *e);

#endif
