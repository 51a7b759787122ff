/*
 * mounts - the file systems a process expects, and their orderly end.
 */
#ifndef GUEST_MOUNTS_H
#define GUEST_MOUNTS_H

#include "base/err.h"

/* Mounts what is missing; what is there already is fine. Goes on after a failure; then negative
 * with *e filled, naming the first. */
int mounts_make(struct err *e);

/* Every process being gone: unmounts what lies on disks, or makes it read-only. */
void mounts_settle(void);

/* Nonzero while a file system on a disk can be written to. */
int mounts_are_written(void);

#endif
