/*
 * mount - one file system where it is wanted, described as a line of fstab(5) would.
 */
#ifndef GUEST_MOUNT_H
#define GUEST_MOUNT_H

#include "base/err.h"
#include "proto/desc.h"

/* Makes the target where it is missing, with what is missing above it. Type "bind" shows a folder
 * or a file a second time. 0 or negative with *e filled. */
int mount_one(const struct desc_mount *m, struct err *e);

#endif
