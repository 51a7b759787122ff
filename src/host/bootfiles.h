/*
 * bootfiles - the kernel and the initrd a machine boots from, opened.
 */
#ifndef HOST_BOOTFILES_H
#define HOST_BOOTFILES_H

#include "host/config.h"

/* *initrd stays -1 when there is none; a sentence with the remedy when one is missing or cannot be
 * one. 0 or negative with *e filled. */
int bootfiles_open(const struct config *c, const struct home *h, int *kernel, int *initrd,
		   struct err *e);

#endif
