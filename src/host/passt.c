/*
 * passt - the program that is a guest's network without privileges, at the other end of a socket.
 */
#include "host/passt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/util.h"

enum {
	START_MS = 5000, /* it looks at the host's interfaces and goes into the background */
	THEIR_FD = 3,
	SAID_MAX = 2000,
};

int passt_connect(const char *path, struct err *e)
{
	int fd = unix_connect(path, 1);

	return fd < 0 ? err_set(e, fd, "nic passt=%s: connect to it: %s\n  try: passt --socket %s",
				path, strerror(-fd), path)
		      : fd;
}

int passt_find(char *out, size_t cap, struct err *e)
{
	const char *dir = getenv("PATH");

	while (dir && *dir) {
		size_t len = strcspn(dir, ":");
		int n = snprintf(out, cap, "%.*s/passt", (int)len, dir);

		if (len > 0 && n > 0 && (size_t)n < cap && access(out, X_OK) == 0)
			return 0;
		dir += len + (dir[len] == ':');
	}
	return err_set(e, -ENOENT, "passt: is not on PATH\n  try: apt-get install passt");
}

/* The last line of what it said, without blanks at its ends. */
static const char *last_line(char *text)
{
	size_t len = strlen(text);
	char *line;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

/* Reads what it says until it has gone into the background, or has ended. Its status. */
static int await_start(pid_t pid, int pidfd, int said, char text[SAID_MAX])
{
	int64_t deadline = clock_ms() + START_MS;
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };
	int status = 0, rc;
	ssize_t n;

	do
		rc = poll(&gone, 1, (int)MAX(deadline - clock_ms(), (int64_t)0));
	while (rc < 0 && errno == EINTR);
	if (rc != 1)
		(void)pidfd_signal(pidfd, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	n = fd_read(said, text, SAID_MAX - 1);
	text[MAX(n, (ssize_t)0)] = '\0';
	return rc == 1 ? status : -ETIMEDOUT;
}

static int run(const char *path, int theirs, struct err *e)
{
	static char *const argv[] = { "passt", "--one-off", "--fd", "3", NULL };
	char text[SAID_MAX];
	int said[2], pidfd = -1, status;
	pid_t pid;

	if (pipe2(said, O_CLOEXEC) < 0)
		return err_sys(e, "start passt");
	fd_nonblock(said[0]);
	pid = spawn(
		&(struct spawn){ .path = path,
				 .argv = argv,
				 .fds = (struct fdmap[]){ { theirs, THEIR_FD }, { said[1], 2 } },
				 .nfds = 2,
				 .new_session = 1 },
		&pidfd);
	fd_close(&said[1]);
	if (pid < 0) {
		fd_close(&said[0]);
		return err_set(e, pid, "start %s: %s", path, strerror(-pid));
	}
	status = await_start(pid, pidfd, said[0], text);
	fd_close(&pidfd);
	fd_close(&said[0]);
	if (status == -ETIMEDOUT)
		return err_set(e, status, "%s did not start within %d s", path, START_MS / 1000);
	return status ? err_set(e, -ECHILD, "%s did not start: %.400s", path, last_line(text)) : 0;
}

int passt_start(struct err *e)
{
	char path[PATH_ROOM];
	int pair[2], rc = passt_find(path, sizeof(path), e);

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "start passt");
	rc = run(path, pair[1], e);
	fd_close(&pair[1]);
	if (rc == 0)
		rc = fd_nonblock(pair[0]);
	if (rc < 0)
		fd_close(&pair[0]);
	return rc < 0 ? rc : pair[0];
}
