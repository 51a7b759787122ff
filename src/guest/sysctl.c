/*
 * sysctl - the kernel's knobs below /proc/sys.
 */
#include "guest/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

enum { ROOM = 512 };

/* As sysctl(8): the first separator says which of '.' and '/' separates; the other is swapped,
 * so that eth0.7 in a name with slashes stays one part. */
static int path_of(char out[ROOM], const char *name)
{
	int dots = name[strcspn(name, "./")] == '.';
	int n = snprintf(out, ROOM, "/proc/sys/%s", name);

	if (n >= ROOM || strstr(name, "..") || name[0] == '/')
		return -EINVAL;
	for (char *c = out + strlen("/proc/sys/"); dots && *c; c++)
		*c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
	return 0;
}

static int set_one(const struct desc_sysctl *s)
{
	char path[ROOM];
	ssize_t n;
	int fd, rc = path_of(path, s->name);

	if (rc < 0)
		return rc;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fd_write(fd, s->value, strlen(s->value)); /* one write: the kernel parses each alone */
	fd_close(&fd);
	return n < 0 ? (int)n : 0;
}

int sysctl_set_all(const struct desc_sysctl *s, uint32_t n, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		int rc = set_one(&s[i]);

		if (rc < 0 && e->code == 0)
			err_set(e, rc, "%s: %s", s[i].name, strerror(-rc));
	}
	return e->code;
}
