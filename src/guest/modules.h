/*
 * modules - loads the kernel modules that the host put into the initramfs (GUEST_MODULES).
 */
#ifndef GUEST_MODULES_H
#define GUEST_MODULES_H

#include "base/err.h"

/* All of the folder in the order of their names, and removes it: an initramfs is memory. One that
 * is there already is as good. 0, also without a folder; or negative with *e filled: which ones
 * the kernel refused, the others being loaded. */
int modules_load(const char *folder, struct err *e);

#endif
