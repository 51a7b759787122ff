/*
 * witness - sees another init's shutdown to its end, and tells who asked for it that the disks are
 * settled.
 */
#include "guest/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/mounts.h"
#include "proto/frame.h"

enum { TOLD_MS = 1000 }; /* for who asked to close: the machine may stop any moment */

/* A program that was replaced since keeps its file system from becoming read-only while it runs. */
static int is_in_the_way(void)
{
	struct stat exe, root;

	return stat("/proc/self/exe", &exe) < 0 || stat("/", &root) < 0 ||
	       (exe.st_nlink == 0 && exe.st_dev == root.st_dev);
}

/* Out of the service's: systemd ends the whole cgroup. Where there is none of ours to leave it does
 * not matter. */
static void leave_cgroup(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup/cgroup.procs",
					     "/sys/fs/cgroup/unified/cgroup.procs" };

	for (size_t i = 0; i < COUNT(roots); i++) {
		int fd = open(roots[i], O_WRONLY | O_CLOEXEC);

		if (fd >= 0)
			(void)fd_write(fd, "0", 1);
		fd_close(&fd);
	}
}

/* Of who asked nothing more is to come but his end. */
static int asker_is_gone(int fd)
{
	char c;
	ssize_t n = fd_read(fd, &c, 1);

	return n != -EAGAIN;
}

static int await_settled(int asker)
{
	int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct pollfd p[] = { { mounts, POLLPRI, 0 }, { asker, POLLIN, 0 } };

	if (mounts < 0)
		return 0;
	while (mounts_are_written()) {
		if (poll(p, COUNT(p), -1) < 0 && errno != EINTR)
			return 0;
		if (p[1].revents && asker_is_gone(asker))
			return 0;
	}
	return 1;
}

__attribute__((noreturn)) static void watch(int asker)
{
	struct pollfd p = { asker, POLLIN, 0 };

	/* systemd.io/ROOT_STORAGE_DAEMONS: not to be ended with the rest. */
	program_invocation_name[0] = '@';
	prctl(PR_SET_NAME, "vmtool-witness", 0, 0, 0);
	setsid();
	if (chdir("/") < 0)
		_exit(1);
	leave_cgroup();
	fd_close_all_but(asker);
	if (await_settled(asker) && frame_send(asker, FRAME_SYNCED, NULL, 0) == 0)
		poll(&p, 1, TOLD_MS);
	_exit(0);
}

void witness_leave(int fd)
{
	if (!is_in_the_way() && fork() == 0)
		watch(fd);
}
