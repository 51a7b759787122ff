/*
 * filelock - a disk's file is one machine's.
 */
#include "host/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

enum { MOST_MS = 2000, LOOK_NS = 5000000 };

int filelock_take(int fd, enum filelock kind)
{
	struct flock l = {
		.l_type = kind == FILELOCK_ALONE ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

int filelock_take_over(int fd, enum filelock kind)
{
	int64_t until = clock_ms() + MOST_MS;
	int rc;

	while ((rc = filelock_take(fd, kind)) == -EAGAIN && clock_ms() < until)
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	return rc;
}
