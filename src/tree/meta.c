/*
 * meta - what a file has besides its bytes, put on it once these are there.
 */
#include "tree/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tree/xattr.h"

int meta_keep(struct meta *m, const struct copy_entry *n)
{
	*m = (struct meta){ n->mode, n->uid, n->gid, n->mtime, n->mtime_ns, NULL, 0 };
	if (n->xattrs_len == 0)
		return 0;
	m->xattrs = malloc(n->xattrs_len);
	if (!m->xattrs)
		return -ENOMEM;
	memcpy(m->xattrs, n->xattrs, n->xattrs_len);
	m->xattrs_len = n->xattrs_len;
	return 0;
}

void meta_free(struct meta *m)
{
	free(m->xattrs);
	m->xattrs = NULL;
	m->xattrs_len = 0;
}

/* Only root gives files away; that others do not is no problem of theirs. */
static int is_not_for_us(const char *name)
{
	return errno == EPERM && geteuid() != 0 && strncmp(name, "user.", 5) != 0;
}

static void apply_xattrs(const struct meta *m, int fd, unsigned flags, struct report *r,
			 const char *path)
{
	struct copy_xattr x;
	size_t at = 0;

	while (copy_xattr_next(&x, m->xattrs, m->xattrs_len, &at))
		if (xattr_is_wanted(x.name, flags) &&
		    fsetxattr(fd, x.name, x.value, x.len, 0) < 0 && !is_not_for_us(x.name))
			report_problem(r, path, "extended attribute %s: %s%s", x.name,
				       strerror(errno),
				       errno == ENOTSUP ? " (--no-xattrs leaves them out)" : "");
}

static mode_t permissions(const struct meta *m, int is_ours)
{
	return m->mode & (is_ours ? 07777 : 01777);
}

void meta_apply(const struct meta *m, int fd, unsigned flags, struct report *r, const char *path)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { (time_t)m->mtime, (long)m->mtime_ns } };
	int is_kept = flags & COPY_ARCHIVE && fchown(fd, m->uid, m->gid) == 0;

	if (flags & COPY_ARCHIVE && !is_kept && errno != EPERM)
		report_sys(r, path, "owner");
	apply_xattrs(m, fd, flags, r, path);
	if (fchmod(fd, permissions(m, is_kept)) < 0)
		report_sys(r, path, "permissions");
	if (futimens(fd, times) < 0)
		report_sys(r, path, "time");
}

void meta_apply_at(const struct meta *m, int dir, const char *name, unsigned flags,
		   struct report *r, const char *path)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { (time_t)m->mtime, (long)m->mtime_ns } };
	int is_kept = flags & COPY_ARCHIVE &&
		      fchownat(dir, name, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) == 0;

	if (flags & COPY_ARCHIVE && !is_kept && errno != EPERM)
		report_sys(r, path, "owner");
	if (!S_ISLNK(m->mode) && fchmodat(dir, name, permissions(m, is_kept), 0) < 0)
		report_sys(r, path, "permissions");
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		report_sys(r, path, "time");
}
