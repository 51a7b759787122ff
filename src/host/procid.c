/*
 * procid - which process is meant, even after its number was given to another.
 */
#include "host/procid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/spawn.h"

int procid_of(struct procid *p, pid_t pid)
{
	char path[32], text[1024];
	char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = fd_slurp(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	/* The second field is a name that may hold blanks and brackets; its last ) ends it. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -ESRCH;
	*p = (struct procid){ pid, strtoull(at + 1, NULL, 10) };
	return 0;
}

int procid_open(const struct procid *p)
{
	struct procid now;
	int fd, rc;

	if (p->pid <= 0)
		return -ESRCH;
	fd = pidfd_open(p->pid);
	if (fd < 0)
		return fd;
	/* In this order: the pidfd pins whoever has the number now, and only then we look. */
	rc = procid_of(&now, p->pid);
	if (rc == 0 && now.start != p->start)
		rc = -ESRCH;
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

int procid_end(const struct procid *p, int wait_ms)
{
	int fd = procid_open(p);
	int rc;

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	rc = pidfd_kill(fd, wait_ms);
	fd_close(&fd);
	return rc;
}

void host_boot_id(char out[HOST_BOOT_ROOM])
{
	char text[64];
	ssize_t n = fd_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text));

	out[0] = '\0';
	if (n >= HOST_BOOT_ROOM - 1) {
		memcpy(out, text, HOST_BOOT_ROOM - 1);
		out[HOST_BOOT_ROOM - 1] = '\0';
	}
}
