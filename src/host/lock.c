/*
 * lock - a file in a folder whose lock means: this folder has an owner.
 */
#include "host/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

/* A lock on a file that nobody can find any more keeps nobody out. */
static int still_there(int dirfd, const char *name, int fd)
{
	struct stat held, found;

	return fstat(fd, &held) == 0 && held.st_nlink > 0 &&
	       fstatat(dirfd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == found.st_ino && held.st_dev == found.st_dev;
}

int lock_take(int dirfd, const char *name, int make)
{
	struct flock want = whole;
	int fd, rc = 0;

	fd = openat(dirfd, name, O_RDWR | (make ? O_CREAT : 0) | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (fcntl(fd, F_OFD_SETLK, &want) < 0)
		rc = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	else if (!still_there(dirfd, name, fd))
		rc = -ESTALE;
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

int lock_is_held(int dirfd, const char *name)
{
	struct flock look = whole;
	int fd, rc;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = fcntl(fd, F_OFD_GETLK, &look) < 0 ? -errno : look.l_type != F_UNLCK;
	fd_close(&fd);
	return rc;
}
