/*
 * own_mounts - mounts that only one process of a test sees: another /etc/hosts, another /dev.
 */
#ifndef OWN_MOUNTS_H
#define OWN_MOUNTS_H

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* This process has a mount namespace of its own. 0 or an errno. */
static inline int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errno;
	return 0;
}

/* Tried in a child. NULL: it works here; or what this machine lacks. */
static inline const char *own_mounts_lack(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(own_mounts());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return "no process could be started to try";
	switch (WIFEXITED(status) ? WEXITSTATUS(status) : -1) {
	case 0:
		return NULL;
	case EPERM:
		return "needs root for mounts of its own";
	case EINVAL:
		return "needs a root that is a mount point: that of a chroot is none";
	}
	return "needs mounts of its own, which this machine refuses";
}

#endif
