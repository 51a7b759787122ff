/*
 * bootfiles - the kernel and the archives a machine boots from, opened.
 */
#ifndef HOST_BOOTFILES_H
#define HOST_BOOTFILES_H

#include "host/config.h"

struct bootfiles {
	int kernel, initrd, modules; /* owned; -1 where there is none */
};

#define BOOTFILES_NONE ((struct bootfiles){ -1, -1, -1 })

/* A sentence with the remedy when one is missing or cannot be one. 0 or negative with *e filled. */
int bootfiles_open(const struct config *c, const struct home *h, struct bootfiles *f,
		   struct err *e);
void bootfiles_close(struct bootfiles *f);

#endif
