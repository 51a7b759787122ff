/*
 * agentproc - an agent's process, as whoever starts it sees it.
 */
#include "host/agentproc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "host/agent.h"

static int spawn_agent(struct agentproc *p, const struct vmref *vm, const char *const args[],
		       const int fd[3], struct err *e)
{
	char *argv[AGENTPROC_ARGS + 4] = { "vmtool", "agent" };
	struct fdmap fds[] = {
		{ fd[0], 0 },
		{ fd[1], 1 },
		{ fd[1], 2 },
		{ vm->lock, AGENT_FD_LOCK },
		{ fd[2], AGENT_FD_LEASH },
	};
	struct spawn s = {
		.path = "/proc/self/exe",
		.argv = argv,
		.fds = fds,
		.nfds = COUNT(fds),
		.new_session = 1,
	};
	int argc = 2;
	pid_t pid;

	while (*args && argc < AGENTPROC_ARGS + 2)
		argv[argc++] = (char *)*args++;
	argv[argc] = (char *)vm->name;
	if (setenv("VMTOOL_HOME", vm->home->path, 1) < 0) /* ours may be relative */
		return err_sys(e, "start the agent");
	pid = spawn(&s, NULL);
	if (pid < 0)
		return err_set(e, pid, "start the agent: %s", strerror(-pid));
	p->pid = pid;
	return 0;
}

int agentproc_start(struct agentproc *p, struct vmref *vm, const char *const args[], int anew,
		    struct err *e)
{
	int leash[2] = { -1, -1 };
	int null, log, rc;

	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log = openat(vm->dir, "agent.log",
		     O_WRONLY | O_CREAT | (anew ? O_TRUNC : 0) | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	if (null < 0 || log < 0)
		rc = err_sys(e, "%s: open agent.log and /dev/null", vm->name);
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, leash) < 0)
		rc = err_sys(e, "start the agent");
	else
		rc = spawn_agent(p, vm, args, (int[]){ null, log, leash[1] }, e);
	fd_close(&leash[1]);
	fd_close(&log);
	fd_close(&null);
	if (rc < 0) {
		fd_close(&leash[0]);
		return rc;
	}
	p->leash = leash[0];
	fd_close(&vm->lock); /* the agent holds it now */
	return 0;
}
