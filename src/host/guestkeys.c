/*
 * guestkeys - the SSH host keys of a guest of ours, asked for where nobody stands in between.
 */
#include "host/guestkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"

enum { KEYS_BYTES = 64 * 1024 };

static const char command[] = "cat /etc/ssh/ssh_host_*_key.pub";

/* `vmtool exec` with its stdout into a pipe. The pid, or a negative errno. */
static pid_t start(const char *name, int *from)
{
	char *const argv[] = { "vmtool", "exec", "--no-tty", "--timeout",     "10s", (char *)name,
			       "--",	 "sh",	 "-c",	     (char *)command, NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2] = { -1, -1 };
	pid_t pid = null < 0 || pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
	const struct fdmap fds[] = { { null, 0 }, { ends[1], 1 }, { 2, 2 } };
	const struct spawn s = {
		.path = "/proc/self/exe", .argv = argv, .fds = fds, .nfds = COUNT(fds)
	};

	if (pid == 0)
		pid = spawn(&s, NULL);
	fd_close(&null);
	fd_close(&ends[1]);
	*from = ends[0];
	return pid;
}

/* All it says, as far as there is room; how much. */
static size_t hear(int fd, char *text, size_t room)
{
	size_t used = 0;
	ssize_t n;

	while (used < room && (n = fd_read(fd, text + used, room - used)) > 0)
		used += (size_t)n;
	return used;
}

static int ask(char *text, size_t *len, const char *name, struct err *e)
{
	int from = -1, status = 0;
	pid_t pid = start(name, &from);

	if (pid < 0) {
		fd_close(&from);
		return err_set(e, pid, "%s: start vmtool exec: %s", name, strerror(-pid));
	}
	*len = hear(from, text, KEYS_BYTES);
	fd_close(&from); /* a guest that says more must not be waited for */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(e, -ENOENT, "%s: no host keys: %s did not work there (is an SSH server installed?)",
		name, command);
	return e->code;
}

int guestkeys_ask(struct hostkeys *keys, const char *name, struct err *e)
{
	char *text = malloc(KEYS_BYTES);
	size_t len = 0;
	int rc = text ? ask(text, &len, name, e) : err_set(e, -ENOMEM, "no memory for keys");

	if (rc == 0 && hostkeys_from_text(keys, text, len, e) < 0)
		rc = err_in(e, "%s: the host keys it has", name);
	free(text);
	return rc;
}
