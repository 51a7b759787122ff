/*
 * xattr - which extended attributes of a file are copied, and reading them.
 */
#ifndef TREE_XATTR_H
#define TREE_XATTR_H

#include <stddef.h>
#include <stdint.h>

/* user.*; with COPY_ARCHIVE whatever there is but security.selinux, which belongs to a machine's
 * policy; with COPY_NO_XATTRS none. Both sides ask: the other may be lying. */
int xattr_is_wanted(const char *name, unsigned flags);

/* Encoded as in struct copy_entry into out[COPY_XATTRS_MAX]. 0, or a negative errno with nothing
 * read: -E2BIG: more than that. A file system without xattrs has none. */
int xattr_read(int fd, unsigned flags, uint8_t *out, size_t *len);

#endif
