/*
 * root - from the initramfs to the root file system the guest is to live on.
 */
#ifndef GUEST_ROOT_H
#define GUEST_ROOT_H

#include "base/err.h"
#include "proto/desc.h"

/*
 * Mounts it, takes /proc, /sys, /dev, /run and /tmp along, makes it the root of this process and
 * frees the memory of the initramfs. Descriptors and servers stay as they are; who runs already
 * keeps the old root, which is then empty but for what they hold open.
 *
 * 0; or negative with *e filled and the old root still there.
 */
int root_switch(const struct desc_root *r, struct err *e);

#endif
