/*
 * vmtool --install - a name in a folder for every word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"

static const struct opt install_opts[] = {
	{ 's', "symbolic", NULL, "make symbolic links instead of hard ones" },
	{ 0 },
};

/* Leads this name to the very file we are? */
static int is_ours(int dirfd, const char *self, const char *name)
{
	struct stat a, b;

	return stat(self, &a) == 0 && fstatat(dirfd, name, &b, 0) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Whatever else has that name already is somebody's, and stays. */
static int make_link(int dirfd, const char *dir, const char *self, const char *name, int symbolic,
		     struct err *e)
{
	if ((symbolic ? symlinkat(self, dirfd, name) : linkat(AT_FDCWD, self, dirfd, name, 0)) == 0)
		return 0;
	if (errno == EEXIST && is_ours(dirfd, self, name))
		return 0;
	if (errno == EXDEV)
		return err_sys(e, "link %s/%s: %s lies on another file system; use -s", dir, name,
			       self);
	return err_sys(e, "link %s/%s", dir, name);
}

static int install_run(struct cmdline *cl, struct err *e)
{
	char self[4096];
	const char *dir;
	int symbolic = 0, dirfd, c, rc = 0;
	ssize_t n;

	while ((c = opt_next(cl, e)) > 0)
		symbolic = c == 's';
	if (c < 0)
		return c;
	dir = operand(cl, "DIR", e);
	if (!dir)
		return e->code;
	rc = operands_end(cl, e);
	if (rc < 0)
		return rc;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return err_sys(e, "find vmtool's own file");
	self[n] = '\0';
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "open folder %s", dir);
	for (const struct applet *const *a = applets; *a && rc == 0; a++)
		if ((*a)->help)
			rc = make_link(dirfd, dir, self, (*a)->name, symbolic, e);
	fd_close(&dirfd);
	return rc;
}

const struct applet applet_install = {
	.name = "install",
	.args = "DIR",
	.opts = install_opts,
	.command_after = -1,
	.run = install_run,
};
