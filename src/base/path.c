/*
 * path - composing paths without surprise, making folders, replacing files whole.
 */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

int path_fmt(char *out, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, PATH_ROOM, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= PATH_ROOM)
		return err_set(e, -ENAMETOOLONG, "path %.60s...: longer than %d bytes", out,
			       PATH_ROOM - 1);
	return 0;
}

int path_mkdirs(const char *path, struct err *e)
{
	char part[PATH_ROOM];
	char *slash;
	int rc;

	rc = path_fmt(part, e, "%s", path);
	if (rc < 0)
		return rc;
	for (slash = part + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make folder %s", part);
		*slash = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make folder %s", part);
	return 0;
}

int path_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		 struct err *e)
{
	char temp[PATH_ROOM];
	int fd, rc;

	/* The pid keeps two writers apart; a leftover of a crashed one is overwritten. */
	rc = path_fmt(temp, e, ".%s.%d", name, (int)getpid());
	if (rc < 0)
		return rc;
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(e, "write %s", name);
	rc = fd_write_all(fd, data, len);
	if (rc < 0) {
		errno = -rc;
		rc = err_sys(e, "write %s", name);
	} else if (fsync(fd) < 0 || renameat(dirfd, temp, dirfd, name) < 0) {
		rc = err_sys(e, "write %s", name);
	}
	fd_close(&fd);
	if (rc < 0) {
		unlinkat(dirfd, temp, 0);
		return rc;
	}
	return fsync(dirfd) < 0 && errno != EINVAL ? err_sys(e, "write %s", name) : 0;
}

void path_sweep(int dirfd, const char *name)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t len = strlen(name);
	struct dirent *d;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((d = readdir(dir)))
		if (d->d_name[0] == '.' && strncmp(d->d_name + 1, name, len) == 0 &&
		    d->d_name[len + 1] == '.')
			unlinkat(dirfd, d->d_name, 0);
	closedir(dir);
}

static int empty_folder(int dirfd, const char *name, struct err *e)
{
	struct dirent *d;
	DIR *dir;
	int fd, rc = 0;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "remove %s", name);
	dir = fdopendir(fd);
	if (!dir) {
		rc = err_sys(e, "remove %s", name);
		fd_close(&fd);
		return rc;
	}
	while (rc == 0 && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			rc = path_remove_tree(fd, d->d_name, e);
	closedir(dir);
	return rc < 0 ? err_in(e, "remove %s", name) : 0;
}

int path_remove_tree(int dirfd, const char *name, struct err *e)
{
	int rc;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove %s", name);
	rc = empty_folder(dirfd, name, e);
	if (rc < 0)
		return rc;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? err_sys(e, "remove %s", name) : 0;
}

uint64_t path_tree_bytes(int dirfd, const char *name)
{
	uint64_t sum;
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	sum = (uint64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode))
		return sum;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return sum;
	}
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			sum += path_tree_bytes(fd, d->d_name);
	closedir(dir);
	return sum;
}
