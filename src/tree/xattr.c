/*
 * xattr - which extended attributes of a file are copied, and reading them.
 */
#include "tree/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "proto/copy.h"

enum { NAMES_MAX = 64 * 1024 }; /* XATTR_LIST_MAX */

int xattr_is_wanted(const char *name, unsigned flags)
{
	if (flags & COPY_NO_XATTRS)
		return 0;
	if (flags & COPY_ARCHIVE)
		return strcmp(name, "security.selinux") != 0;
	return strncmp(name, "user.", 5) == 0;
}

static int read_one(int fd, const char *name, uint8_t *out, size_t *len)
{
	static uint8_t value[COPY_XATTR_VALUE_MAX];
	struct copy_xattr x = { .name = name, .value = value };
	ssize_t n = fgetxattr(fd, name, value, sizeof(value));

	if (n < 0)
		return errno == ENODATA ? 0 : -errno; /* gone since it was listed */
	x.len = (size_t)n;
	return copy_xattr_add(out, COPY_XATTRS_MAX, len, &x) < 0 ? -E2BIG : 0;
}

int xattr_read(int fd, unsigned flags, uint8_t *out, size_t *len)
{
	static char names[NAMES_MAX];
	ssize_t n;
	int rc = 0;

	*len = 0;
	if (flags & COPY_NO_XATTRS)
		return 0;
	n = flistxattr(fd, names, sizeof(names));
	if (n < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (char *at = names; rc == 0 && at < names + n; at += strlen(at) + 1)
		if (xattr_is_wanted(at, flags))
			rc = read_one(fd, at, out, len);
	if (rc < 0)
		*len = 0;
	return rc;
}
