/*
 * bootfiles - the kernel and the initrd a machine boots from, opened.
 */
#include "host/bootfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/initrd.h"
#include "host/kernels.h"

static int open_file(const char *what, const char *path, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	/* Non-blocking, because opening a fifo would wait for its writer. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "%s %s", what, path);
	if (fstat(fd, &st) < 0)
		rc = err_sys(e, "%s %s", what, path);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, -EINVAL, "%s %s: is not a regular file", what, path);
	else if (st.st_size == 0)
		rc = err_set(e, -EINVAL, "%s %s: is empty", what, path);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

static int open_kernel(const struct config *c, const struct home *h, struct err *e)
{
	char path[PATH_ROOM];
	int rc;

	if (c->kernel[0] == '/')
		return open_file("kernel", c->kernel, e);
	rc = path_fmt(path, e, KERNEL_IMAGE, h->path, c->kernel);
	if (rc < 0)
		return rc;
	if (access(path, F_OK) < 0)
		return err_set(e, -ENOENT,
			       "kernel: there is no '%s' in the catalogue (%s)\n  try: --kernel "
			       "PATH with a vmlinux or bzImage, or vmtool kernel add",
			       c->kernel, path);
	return open_file("kernel", path, e);
}

/* Only a kernel of the catalogue has any, and not every one. */
static int open_modules(const struct config *c, const struct home *h, int *fd, struct err *e)
{
	char path[PATH_ROOM];
	int rc;

	if (c->kernel[0] == '/')
		return 0;
	rc = path_fmt(path, e, KERNEL_MODULES, h->path, c->kernel);
	if (rc < 0 || access(path, F_OK) < 0)
		return rc;
	*fd = rc = open_file("modules", path, e);
	return rc < 0 ? rc : 0;
}

static int open_initrd(const struct config *c, int *fd, struct err *e)
{
	int rc;

	if (!c->initrd[0])
		return 0;
	*fd = rc = open_file("initrd", c->initrd, e);
	return rc < 0 ? rc : initrd_check(*fd, c->initrd, e);
}

int bootfiles_open(const struct config *c, const struct home *h, struct bootfiles *f, struct err *e)
{
	int rc = open_kernel(c, h, e);

	*f = BOOTFILES_NONE;
	if (rc < 0)
		return rc;
	f->kernel = rc;
	rc = open_initrd(c, &f->initrd, e);
	if (rc == 0)
		rc = open_modules(c, h, &f->modules, e);
	if (rc < 0)
		bootfiles_close(f);
	return rc;
}

void bootfiles_close(struct bootfiles *f)
{
	fd_close(&f->modules);
	fd_close(&f->initrd);
	fd_close(&f->kernel);
}
