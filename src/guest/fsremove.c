/*
 * fsremove - a file, a folder, or a folder with all that is in it, is removed: fsd's most dangerous
 * answer.
 *
 * A folder is entered only after rmdir(2) said that it is not empty; so neither the root nor a
 * place where something is mounted ever is: of these it says EBUSY. No symbolic link is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest/fsd.h"
#include "proto/copy.h"
#include "tree/walk.h"

static const char busy[] = "is the root, or something is mounted there";

static int is_not_empty(int sys)
{
	return sys == ENOTEMPTY || sys == EEXIST;
}

/* One name of the folder we are in; a folder is kept for later. */
static int remove_name(struct fsd *d, const char *name)
{
	struct stat st;
	int sys;

	if (!fileconn_is_wanted())
		return err_set(&d->e, -ECONNRESET, "nobody wants it any more");
	if (unlinkat(d->at.dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	sys = errno;
	if (fstatat(d->at.dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return fsd_problem_at(d, name, sys, sys == EBUSY ? busy : "");
	return listing_add(&descent_here(&d->at)->names, name) < 0
		       ? err_set(&d->e, -ENOMEM, "no memory for the names of folders")
		       : 0;
}

/* A folder of the one we are in: gone when it is empty; else we are in it, and its files are gone. */
static int remove_folder(struct fsd *d, const char *name)
{
	int rc;

	if (unlinkat(d->at.dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (!is_not_empty(errno))
		return fsd_problem_at(d, name, errno, errno == EBUSY ? busy : "");
	rc = fsd_enter(d, name);
	return rc > 0 ? fsd_each_name(d, remove_name) : rc;
}

/* Out of a folder that has been emptied, as far as it could be, which has been told. */
static int come_out(struct fsd *d)
{
	int is_empty = descent_here(&d->at)->mark == d->problems;
	const char *last = strrchr(trail_text(&d->at.trail), '/');
	char name[COPY_NAME_MAX + 1];
	int rc;

	snprintf(name, sizeof(name), "%s", last ? last + 1 : "");
	rc = fsd_leave(d);
	if (rc < 0 || !is_empty)
		return rc;
	if (unlinkat(d->at.dir, d->at.depth ? name : d->q->path, AT_REMOVEDIR) == 0 ||
	    errno == ENOENT)
		return 0;
	return d->at.depth ? fsd_problem_at(d, name, errno, "")
			   : fsd_problem(d, d->q->path, errno, "");
}

static int remove_tree(struct fsd *d)
{
	int rc = remove_folder(d, d->q->path);

	while (rc == 0 && d->at.depth > 0) {
		const char *name = listing_next(&descent_here(&d->at)->names);

		rc = name ? remove_folder(d, name) : come_out(d);
	}
	return rc;
}

static int remove_one(struct fsd *d)
{
	const char *path = d->q->path;

	if (unlink(path) == 0 || (errno == EISDIR && rmdir(path) == 0))
		return 0;
	return fsd_problem(d, path, errno,
			   is_not_empty(errno) ? "a folder that is not empty (-r removes all of it)"
			   : errno == EBUSY    ? busy
					       : "");
}

int fsd_remove(struct fsd *d)
{
	const struct fs_req *q = d->q;
	char base[COPY_NAME_MAX + 1];
	struct stat st, root;
	int is_place;

	if (walk_base(q->path, base, &is_place) < 0)
		return fsd_problem(d, q->path, ENAMETOOLONG, "");
	if (is_place)
		return fsd_problem(d, q->path, EBUSY, "a root, . and .. are not removed");
	if (lstat(q->path, &st) < 0)
		return errno == ENOENT && q->flags & FS_ABSENT_OK
			       ? 0
			       : fsd_problem(d, q->path, errno, "");
	if (stat("/", &root) == 0 && st.st_dev == root.st_dev && st.st_ino == root.st_ino)
		return fsd_problem(d, q->path, EBUSY, busy);
	return S_ISDIR(st.st_mode) && q->flags & FS_RECURSIVE ? remove_tree(d) : remove_one(d);
}
