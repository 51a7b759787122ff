/*
 * view - what a command sees of the guest's file system.
 */
#include "guest/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* mount(2) is said with the kernel's own header: musl's sys/mount.h names the same things. */
static int do_mount(const char *from, const char *path, const char *type, unsigned long flags)
{
	return syscall(SYS_mount, from, path, type, flags, NULL) < 0 ? errno : 0;
}

/* All that is mounted below it too. A kernel before 5.12 cannot, and says so. */
static int read_only(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int rc = 0;

	/* The root is a mount, and one on top of it would be no way in. */
	if (strcmp(path, "/") != 0)
		rc = do_mount(path, path, NULL, MS_BIND | MS_REC);
	if (rc == 0 &&
	    syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		rc = errno;
	return rc;
}

/* An empty folder, or /dev/null. */
static int masked(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISDIR(st.st_mode))
		return do_mount("/dev/null", path, NULL, MS_BIND);
	return do_mount("none", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

static int (*const takes[])(const char *path) = {
	[EXEC_READ_ONLY] = read_only,
	[EXEC_MASKED] = masked,
};

uint64_t view_drops(const struct exec_req *q)
{
	return q->npaths ? 1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_PTRACE : 0;
}

const char *view_missing(const struct exec_req *q)
{
	for (uint32_t i = 0; i < q->npaths; i++)
		if (access(q->paths[i].path, F_OK) < 0)
			return q->paths[i].path;
	return NULL;
}

int view_take(const struct exec_req *q)
{
	int rc = 0;

	if (q->npaths == 0)
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return errno;
	/* What others mount comes through; what is mounted here stays here. */
	rc = do_mount(NULL, "/", NULL, MS_REC | MS_SLAVE);
	for (uint32_t i = 0; i < q->npaths && rc == 0; i++)
		rc = takes[q->paths[i].how](q->paths[i].path);
	return rc;
}
