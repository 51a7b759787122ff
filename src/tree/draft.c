/*
 * draft - a file that is being written, and becomes known under its name only when it is whole.
 */
#include "tree/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

/* How file systems (and kernels) say that they know no O_TMPFILE. */
static int is_unknown(int err)
{
	return err == EOPNOTSUPP || err == EISDIR || err == EINVAL || err == ENOENT;
}

/* A file with a name of its own. Another writer of the same name may be as far as we are: he has
 * the name that follows from it, or took our file, whose lock is not ours yet, for a left one. */
static int open_named(struct draft *d, const char *name)
{
	temp_name(d->temp, d->dir, name);
	for (int tries = 0; tries < 2; tries++) {
		int rc;

		d->fd = openat(d->dir, d->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		rc = d->fd < 0 ? -errno : temp_hold(d->fd);
		if (rc == 0)
			return 0;
		fd_close(&d->fd);
		if (rc != -EEXIST && rc != -ESTALE) {
			d->temp[0] = '\0';
			return rc;
		}
		temp_random(d->temp);
	}
	d->temp[0] = '\0';
	return -EEXIST;
}

int draft_open(struct draft *d, int dir, const char *name)
{
	d->dir = dir;
	d->at = 0;
	d->temp[0] = '\0';
	d->fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (d->fd >= 0)
		return 0;
	return is_unknown(errno) ? open_named(d, name) : -errno;
}

int draft_write(struct draft *d, const void *data, uint64_t len)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = pwrite(d->fd, from, len, d->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		d->at += n;
		len -= (uint64_t)n;
	}
	return 0;
}

int draft_hole(struct draft *d, uint64_t len)
{
	if (len > (uint64_t)(INT64_MAX - d->at))
		return -EFBIG;
	d->at += (int64_t)len;
	/* At once: so the size is right when the hole is the last. */
	return ftruncate(d->fd, d->at) < 0 ? -errno : 0;
}

/* A name for what has none. Only root may name it by its descriptor alone. */
static int link_as(const struct draft *d, const char *name)
{
	char path[32];

	if (linkat(d->fd, "", d->dir, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", d->fd);
	return linkat(AT_FDCWD, path, d->dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* A name beside the one that somebody has, for no call replaces that by a file without one. */
static int link_beside(struct draft *d, const char *name)
{
	int rc;

	temp_hold(d->fd); /* it has no name: nobody can have taken it */
	temp_name(d->temp, d->dir, name);
	rc = link_as(d, d->temp);
	if (rc == -EEXIST) {
		temp_random(d->temp);
		rc = link_as(d, d->temp);
	}
	if (rc < 0)
		d->temp[0] = '\0';
	return rc;
}

int draft_name(struct draft *d, const char *name)
{
	int rc;

	if (!d->temp[0]) {
		rc = link_as(d, name);
		if (rc != -EEXIST)
			return rc;
		rc = link_beside(d, name);
		if (rc < 0)
			return rc;
	}
	if (renameat(d->dir, d->temp, d->dir, name) < 0)
		return -errno;
	d->temp[0] = '\0';
	return 0;
}

void draft_close(struct draft *d)
{
	if (d->temp[0])
		unlinkat(d->dir, d->temp, 0);
	d->temp[0] = '\0';
	fd_close(&d->fd);
}
