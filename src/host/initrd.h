/*
 * initrd - what the guest's initramfs is made of: the person's archive, then ours.
 */
#ifndef HOST_INITRD_H
#define HOST_INITRD_H

#include "base/err.h"
#include "proto/desc.h"

/* Whether another archive can be put behind the person's. 0 or negative with *e filled. */
int initrd_check(int fd, const char *path, struct err *e);

/* A memfd with our archive: vmtool itself as /init, and the guest's description of itself.
 * Owned by the caller; or negative with *e filled. */
int initrd_ours(const struct guest_desc *g, struct err *e);

#endif
