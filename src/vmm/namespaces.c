/*
 * namespaces - a process that sees no network, no mounts and no names but its own (namespaces(7)).
 */
#include "vmm/namespaces.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OWN = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };

/* Whoever makes a user namespace has all capabilities in it, and root has them over the host. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)syscall(SYS_capset, &head, none);
}

/* With a user namespace, which needs no privilege where the host allows them; else as root may. Nobody
 * is mapped into it: files are reached by what the process is outside. */
static int leave(void)
{
	return unshare(CLONE_NEWUSER | OWN) < 0 && unshare(OWN) < 0 ? -errno : 0;
}

int namespaces_enter(void)
{
	int rc = leave();

	drop_capabilities();
	return rc;
}

int namespaces_offered(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(-leave());
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}
