/*
 * otherinit - a process 1 that is not ours, and how to ask it to power the machine off.
 */
#include "guest/otherinit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/spawn.h"
#include "base/util.h"

/* systemd(1) says SIGRTMIN+4. It is glibc's SIGRTMIN, 34, that it means: musl's is 35, and one
 * more is a reboot. */
enum { SYSTEMD_POWEROFF = 34 + 4 };

static const struct otherinit systemd = { "systemd", SYSTEMD_POWEROFF, NULL };

/* By the last part of the program's path. busybox init(8); vmtool's own init hears the same. */
static const struct otherinit by_program[] = {
	{ "busybox", SIGUSR2, NULL },
	{ "vmtool", SIGUSR2, NULL },
};

/* sysvinit, OpenRC, runit, s6: each brings this one. */
static const struct otherinit any = { "poweroff", 0, "poweroff" };

const struct otherinit *otherinit_of(const char *exe, int has_systemd)
{
	const char *slash = strrchr(exe, '/');
	const char *name = slash ? slash + 1 : exe;

	if (has_systemd)
		return &systemd;
	for (size_t i = 0; i < COUNT(by_program); i++)
		if (!strcmp(name, by_program[i].name))
			return &by_program[i];
	return &any;
}

/* Nobody waits for it but the reaper, which finds it as it finds orphans. */
static int run(const char *path)
{
	char *const argv[] = { (char *)path, NULL };
	char *const envp[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	const struct fdmap fds[] = { { STDERR_FILENO, 1 }, { STDERR_FILENO, 2 } };
	const struct spawn s = {
		.path = path,
		.argv = argv,
		.envp = envp,
		.fds = fds,
		.nfds = COUNT(fds),
		.new_session = 1,
	};
	pid_t pid = spawn(&s, NULL);

	return pid < 0 ? pid : 0;
}

int otherinit_poweroff(void)
{
	char exe[PATH_MAX] = "";
	const struct otherinit *init;
	ssize_t n;

	if (geteuid() != 0)
		return -EPERM;
	n = readlink("/proc/1/exe", exe, sizeof(exe) - 1);
	if (n > 0)
		exe[n] = '\0';
	init = otherinit_of(exe, access("/run/systemd/system", F_OK) == 0);
	log_info("poweroff: asking the machine's init kind=%s", init->name);
	if (init->path)
		return run(init->path);
	return kill(1, init->signal) < 0 ? -errno : 0;
}
