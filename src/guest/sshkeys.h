/*
 * sshkeys - what lets the host in through the guest's own SSH server: a user's authorized_keys, and a
 * few lines for sshd.
 *
 * The files are the image's, and a user's home is the user's: what stands there is followed nowhere.
 */
#ifndef GUEST_SSHKEYS_H
#define GUEST_SSHKEYS_H

#include "base/err.h"
#include "proto/desc.h"

/* Under the folder root, "" for the guest's own. Doing it again changes nothing. 0 or negative with
 * *e filled. */
int sshkeys_put(const char *root, const struct desc_ssh *s, struct err *e);

#endif
