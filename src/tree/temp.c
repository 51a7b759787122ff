/*
 * temp - the name that something has beside the one it is to get, for as long as it must.
 */
#include "tree/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum { LEFT_S = 60 };

static void print(char out[TEMP_ROOM], uint64_t digits)
{
	snprintf(out, TEMP_ROOM, ".vmtool-%016llx", (unsigned long long)digits);
}

void temp_random(char out[TEMP_ROOM])
{
	uint64_t n = 0;

	/* Shorter than 256 bytes it comes at once and whole. */
	if (getrandom(&n, sizeof(n), 0) < 0)
		n = (uint64_t)getpid();
	print(out, n);
}

int temp_hold(int fd)
{
	struct stat st;

	/* A file system without locks has nobody who looks for them. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -ESTALE : 0;
	return fstat(fd, &st) == 0 && st.st_nlink == 0 ? -ESTALE : 0;
}

/* Its lock is to be had, so nobody has it: it is removed while it is ours. */
static int remove_file(int dir, const char *temp, const struct stat *seen)
{
	int fd = openat(dir, temp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = -EBUSY;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
	    st.st_ino == seen->st_ino && st.st_dev == seen->st_dev)
		rc = unlinkat(dir, temp, 0) < 0 ? -errno : 0;
	fd_close(&fd);
	return rc;
}

static int remove_other(int dir, const char *temp, const struct stat *seen)
{
	if (time(NULL) - seen->st_ctim.tv_sec <= LEFT_S)
		return -EBUSY;
	return unlinkat(dir, temp, 0) < 0 ? -errno : 0;
}

void temp_name(char out[TEMP_ROOM], int dir, const char *name)
{
	uint64_t sum = 0xcbf29ce484222325; /* FNV-1a */
	struct stat st;
	int rc;

	for (; *name; name++)
		sum = (sum ^ (uint8_t)*name) * 0x100000001b3;
	print(out, sum);
	if (fstatat(dir, out, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	/* A further name of a file has no writer; and what the file is locked for is not ours. */
	rc = S_ISREG(st.st_mode) && st.st_nlink == 1 ? remove_file(dir, out, &st)
						       : remove_other(dir, out, &st);
	if (rc < 0)
		temp_random(out);
}

int temp_replace(char temp[TEMP_ROOM], int dir, const char *name, int (*make)(void *arg), void *arg)
{
	int made, rc;

	temp_name(temp, dir, name);
	made = make(arg);
	if (made < 0 && errno == EEXIST) {
		temp_random(temp);
		made = make(arg);
	}
	rc = made < 0 ? -errno : 0;
	if (rc == 0 && renameat(dir, temp, dir, name) < 0)
		rc = -errno;
	/* Two names of one file: the kernel then renames nothing, and says that all went well. */
	if (made == 0)
		unlinkat(dir, temp, 0);
	temp[0] = '\0';
	return rc;
}
