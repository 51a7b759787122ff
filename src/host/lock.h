/*
 * lock - a file in a folder whose lock means: this folder has an owner.
 *
 * An open-file-description lock: it passes to a child with the descriptor, ends with the last
 * process that holds it however that dies, and can be looked at without being touched.
 */
#ifndef HOST_LOCK_H
#define HOST_LOCK_H

#include "host/procid.h"

/* With `make` a missing file is made. The descriptor that holds the lock; -EBUSY: another has it;
 * -ESTALE: the file was removed meanwhile, so look the folder up again; another negative errno. */
int lock_take(int dirfd, const char *name, int make);

/* 1 held, 0 free (or no such file), or a negative errno. */
int lock_is_held(int dirfd, const char *name);

/* Leaves our name in the file, for those who wonder who has it. It is no part of the lock: one that
 * passes on with its descriptor is to be signed anew. */
void lock_sign(int fd);

/* Who signed last and still lives. 0, or -ESRCH: nobody knows. */
int lock_holder(int dirfd, const char *name, struct procid *who);

#endif
