/*
 * modules - loads the kernel modules that the host put into the initramfs.
 */
#include "guest/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

static int load(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		rc = -errno;
	fd_close(&fd);
	return rc;
}

static int is_module(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int modules_load(const char *folder, struct err *e)
{
	struct dirent **list;
	int dir = open(folder, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	int n, refused = 0;

	if (dir < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", folder);
	n = scandir(folder, &list, is_module, alphasort);
	if (n < 0) {
		fd_close(&dir);
		return err_sys(e, "%s", folder);
	}
	for (int i = 0; i < n; i++) {
		int rc = load(dir, list[i]->d_name);

		if (rc < 0 && refused++ == 0)
			err_set(e, rc, "%s: %s", list[i]->d_name, strerror(-rc));
		unlinkat(dir, list[i]->d_name, 0);
		free(list[i]);
	}
	free(list);
	fd_close(&dir);
	rmdir(folder);
	if (refused > 1)
		err_in(e, "%d of %d modules were refused, the first", refused, n);
	return refused ? e->code : 0;
}
