/*
 * place - where the root of a copy goes: cp's table.
 */
#include "tree/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"

static int open_folder(struct place *p, const char *path, struct err *e)
{
	p->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->dir < 0 ? err_sys(e, "%s", path) : 0;
}

static int ends_in_slash(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[len - 1] == '/';
}

/* dst is the name itself: its folder is opened. */
static int split(struct place *p, const char *dst, struct err *e)
{
	char path[PATH_ROOM], *base;
	size_t len;

	if (path_fmt(path, e, "%s", dst) < 0)
		return e->code;
	for (len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	if (!copy_name_is_valid(base))
		return err_set(e, -ENOENT, "%s: no such folder", dst);
	memcpy(p->name, base, strlen(base) + 1);
	*base = '\0';
	return open_folder(p, path[0] ? path : ".", e);
}

static int into_folder(struct place *p, const char *dst, const struct copy_root *root,
		       int is_folder, struct err *e)
{
	const char *name = is_folder && root->contents ? "." : root->name;

	if (!name[0])
		return err_set(e, -EINVAL, "%s: what comes has no name to have there", dst);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->is_inside = 1;
	return open_folder(p, dst, e);
}

static int instead_of_file(struct place *p, const char *dst, const struct stat *st, struct err *e)
{
	char real[PATH_MAX];

	if (!S_ISREG(st->st_mode))
		return err_set(e, -EINVAL, "%s: is neither a file nor a folder", dst);
	return realpath(dst, real) ? split(p, real, e) : err_sys(e, "%s", dst);
}

static int as_new(struct place *p, const char *dst, unsigned flags, int is_folder, struct err *e)
{
	struct stat st;

	if (lstat(dst, &st) == 0)
		return err_set(e, -ENOENT, "%s: is a symbolic link that leads nowhere", dst);
	if (flags & COPY_INTO || (ends_in_slash(dst) && !is_folder))
		return err_set(e, -ENOENT, "%s: no such folder", dst);
	return split(p, dst, e);
}

int place_find(struct place *p, const char *dst, unsigned flags, const struct copy_root *root,
	       int is_folder, struct err *e)
{
	struct stat st;

	p->dir = -1;
	p->is_inside = 0;
	if (stat(dst, &st) < 0)
		return errno == ENOENT ? as_new(p, dst, flags, is_folder, e)
				       : err_sys(e, "%s", dst);
	if (S_ISDIR(st.st_mode))
		return into_folder(p, dst, root, is_folder, e);
	if (is_folder || flags & COPY_INTO)
		return err_set(e, -ENOTDIR, "%s: is there, and is not a folder", dst);
	return instead_of_file(p, dst, &st, e);
}
