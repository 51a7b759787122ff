/*
 * draft - a file that is being written, and becomes known under its name only when it is whole.
 */
#include "tree/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"

void draft_temp(char out[DRAFT_TEMP])
{
	uint64_t n = 0;

	/* Shorter than 256 bytes it comes at once and whole. */
	if (getrandom(&n, sizeof(n), 0) < 0)
		n = (uint64_t)getpid();
	snprintf(out, DRAFT_TEMP, ".vmtool-%016llx", (unsigned long long)n);
}

/* How file systems (and kernels) say that they know no O_TMPFILE. */
static int is_unknown(int err)
{
	return err == EOPNOTSUPP || err == EISDIR || err == EINVAL || err == ENOENT;
}

int draft_open(struct draft *d, int dir)
{
	d->dir = dir;
	d->at = 0;
	d->temp[0] = '\0';
	d->fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (d->fd >= 0 || !is_unknown(errno))
		return d->fd < 0 ? -errno : 0;
	draft_temp(d->temp);
	d->fd = openat(dir, d->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->fd >= 0)
		return 0;
	d->temp[0] = '\0';
	return -errno;
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

int draft_name(struct draft *d, const char *name)
{
	int rc;

	if (!d->temp[0]) {
		rc = link_as(d, name);
		if (rc != -EEXIST)
			return rc;
		draft_temp(d->temp);
		rc = link_as(d, d->temp);
		if (rc < 0) {
			d->temp[0] = '\0';
			return rc;
		}
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
