/*
 * lock - a file in a folder whose lock means: this folder has an owner.
 */
#include "host/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* One byte: a file may have others with locks of another meaning. */
static const struct flock first = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

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
	struct flock want = first;
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
	struct flock look = first;
	int fd, rc;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = fcntl(fd, F_OFD_GETLK, &look) < 0 ? -errno : look.l_type != F_UNLCK;
	fd_close(&fd);
	return rc;
}

void lock_sign(int fd)
{
	struct procid me;
	char text[48];
	int n;

	if (procid_of(&me, getpid()) < 0)
		return;
	n = snprintf(text, sizeof(text), "%d %" PRIu64 "\n", (int)me.pid, me.start);
	/* On a full disk nobody will know; the lock holds all the same. */
	if (pwrite(fd, text, (size_t)n, 0) == n)
		(void)!ftruncate(fd, n);
}

int lock_holder(int dirfd, const char *name, struct procid *who)
{
	char text[48];
	int pid, alive;

	*who = (struct procid){ 0 };
	if (fd_slurp(dirfd, name, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%d %" SCNu64, &pid, &who->start) != 2)
		return -ESRCH;
	who->pid = pid;
	alive = procid_open(who);
	if (alive < 0)
		return -ESRCH;
	fd_close(&alive);
	return 0;
}
