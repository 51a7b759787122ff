/*
 * kernels - the catalogue of guest kernels.
 */
#include "host/kernels.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/path.h"
#include "host/lock.h"
#include "image/modules.h"
#include "image/vmlinux.h"
#include "proto/desc.h"

static const char json_name[] = "kernel.json";

struct adding {
	const struct kernel_wish *wish;
	int kernels; /* owned: the folder of all */
	char lock_name[KERNEL_NAME_ROOM + 8];
	int lock;    /* owned: of this name */
	int dir;     /* owned: the folder it is made in, renamed when it is whole */
	char draft[KERNEL_NAME_ROOM + 8];
	json_t *told;
};

static int open_catalogue(const struct home *h, int make, struct err *e)
{
	char path[PATH_ROOM];
	int rc = path_fmt(path, e, "%s/kernels", h->path);

	if (rc == 0 && make)
		rc = path_mkdirs(path, e);
	if (rc < 0)
		return rc;
	rc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return rc < 0 && (make || errno != ENOENT) ? err_sys(e, "open folder %s", path) : rc;
}

static int create(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? err_sys(e, "write %s", name) : fd;
}

/* --- adding one --- */

static int is_there(const struct adding *a)
{
	struct stat st;

	return fstatat(a->kernels, a->wish->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The name is ours to fill; what an adding that was killed left behind goes. */
static int take_name(struct adding *a, struct err *e)
{
	const char *name = a->wish->name;
	int rc;

	snprintf(a->lock_name, sizeof(a->lock_name), ".%s.lock", name);
	snprintf(a->draft, sizeof(a->draft), ".%s.new", name);
	do
		a->lock = lock_take(a->kernels, a->lock_name, 1);
	while (a->lock == -ESTALE); /* whoever had it took it away */
	if (a->lock == -EBUSY)
		return err_set(e, -EBUSY, "kernel %s: somebody else is adding it", name);
	if (a->lock < 0)
		return err_set(e, a->lock, "kernel %s: lock its name: %s", name,
			       strerror(-a->lock));
	if (is_there(a) && !a->wish->replace)
		return err_set(e, -EEXIST,
			       "kernel %s: is in the catalogue already\n  try: --name with another "
			       "name, or --replace",
			       name);
	rc = path_remove_tree(a->kernels, a->draft, e);
	if (rc < 0)
		return rc;
	if (mkdirat(a->kernels, a->draft, 0755) < 0)
		return err_sys(e, "kernel %s: make its folder", name);
	a->dir = openat(a->kernels, a->draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return a->dir < 0 ? err_sys(e, "kernel %s: open its folder", name) : 0;
}

static int read_kernel(struct vmlinux *k, const char *path, struct err *e)
{
	struct blob file = BLOB_NONE;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a fifo would wait */
	int rc;

	if (fd < 0)
		return err_sys(e, "%s", path);
	rc = blob_read(&file, fd, VMLINUX_MAX);
	fd_close(&fd);
	if (rc == 0)
		return vmlinux_of(k, &file, path, e);
	blob_free(&file);
	return rc == -EFBIG ? err_set(e, rc, "%s: is larger than %d MiB", path, VMLINUX_MAX >> 20) :
			      err_set(e, rc, "%s: %s", path, strerror(-rc));
}

static int write_image(struct adding *a, struct err *e)
{
	struct vmlinux k = { 0 };
	int fd = -1, rc = read_kernel(&k, a->wish->file, e);

	if (rc == 0 && !k.version[0])
		rc = err_set(e, -ENOEXEC,
			     "%s: is an ELF file, but no Linux kernel: it has no \"Linux version\" in it",
			     a->wish->file);
	if (rc == 0)
		rc = fd = create(a->dir, "vmlinux", e);
	if (rc >= 0) {
		rc = fd_write_all(fd, k.elf.data, k.elf.len);
		if (rc == 0 && fsync(fd) < 0)
			rc = -errno;
		if (rc < 0)
			err_set(e, rc, "kernel %s: write its vmlinux: %s", a->wish->name,
				strerror(-rc));
	}
	if (rc == 0)
		a->told = json_pack("{s:s, s:s, s:s, s:I, s:[]}", "version", k.version, "packing",
				    k.packing, "source", a->wish->file, "bytes",
				    (json_int_t)k.elf.len, "modules");
	fd_close(&fd);
	blob_free(&k.elf);
	return rc;
}

static int write_modules(struct adding *a, struct err *e)
{
	json_t *names = json_object_get(a->told, "modules");
	struct modules_wish wish;
	struct modules m;
	int fd, rc;

	if (!a->wish->modules)
		return 0;
	fd = create(a->dir, "modules.cpio", e);
	if (fd < 0)
		return fd;
	wish = (struct modules_wish){ .dir = a->wish->modules,
				      .version = json_string_value(json_object_get(a->told, "version")),
				      .folder = &GUEST_MODULES[1],
				      .more = a->wish->more };
	rc = modules_pack(&m, &wish, fd, e);
	if (rc == 0 && fsync(fd) < 0)
		rc = err_sys(e, "kernel %s: write its modules", a->wish->name);
	for (unsigned i = 0; rc == 0 && i < m.count; i++)
		json_array_append_new(names, json_string(m.name[i]));
	fd_close(&fd);
	return rc;
}

static int write_json(struct adding *a, struct err *e)
{
	char now[CLOCK_TEXT], *text;
	int rc;

	clock_rfc3339(now);
	json_object_set_new(a->told, "added", json_string(now));
	text = json_dumps(a->told, JSON_INDENT(1));
	if (!text)
		return err_usage(e, "%s: its path is not clean UTF-8 text", a->wish->file);
	rc = path_replace(a->dir, json_name, text, strlen(text), 0644, e);
	free(text);
	return rc;
}

/* Whole from one moment to the next. */
static int publish(struct adding *a, struct err *e)
{
	unsigned how = is_there(a) ? RENAME_EXCHANGE : RENAME_NOREPLACE;

	/* musl 1.2.3 has no renameat2(2) */
	if (syscall(SYS_renameat2, a->kernels, a->draft, a->kernels, a->wish->name, how) < 0)
		return err_sys(e, "kernel %s: put it into the catalogue", a->wish->name);
	if (fsync(a->kernels) < 0)
		return err_sys(e, "kernel %s: put it into the catalogue", a->wish->name);
	return 0;
}

int kernels_add(const struct home *h, const struct kernel_wish *w, json_t **told, struct err *e)
{
	static int (*const steps[])(struct adding *a, struct err *e) = {
		take_name, write_image, write_modules, write_json, publish,
	};
	struct adding a = { .wish = w, .kernels = -1, .lock = -1, .dir = -1 };
	struct err ignored = ERR_NONE;
	int rc = parse_name(w->name, e);

	if (rc == 0)
		rc = a.kernels = open_catalogue(h, 1, e);
	for (size_t i = 0; rc >= 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&a, e);
	if (a.dir >= 0)
		path_remove_tree(a.kernels, a.draft, &ignored); /* half of it, or the old one */
	fd_close(&a.dir);
	if (a.lock >= 0)
		unlinkat(a.kernels, a.lock_name, 0); /* while it is ours */
	fd_close(&a.lock);
	fd_close(&a.kernels);
	if (rc < 0)
		json_decref(a.told);
	else
		*told = a.told;
	return rc < 0 ? rc : 0;
}

/* --- what there is --- */

int kernels_remove(const struct home *h, const char *name, struct err *e)
{
	char gone[KERNEL_NAME_ROOM + 8];
	int dir, rc = parse_name(name, e);

	if (rc < 0)
		return rc;
	dir = open_catalogue(h, 0, e);
	if (dir < 0 && e->code)
		return e->code;
	/* Away first: nobody is to find half of it. */
	snprintf(gone, sizeof(gone), ".%s.gone", name);
	if (dir < 0 || (renameat(dir, name, dir, gone) < 0 && errno == ENOENT))
		rc = err_set(e, -ENOENT, "kernel %s: is not in the catalogue\n  try: vmtool kernel ls",
			     name);
	else
		rc = path_remove_tree(dir, gone, e);
	fd_close(&dir);
	return rc;
}

static json_t *describe(int kernels, const char *name)
{
	char path[256 + 32], text[16384]; /* NAME_MAX, and ours */
	json_t *j = NULL;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", name, json_name);
	n = fd_slurp(kernels, path, text, sizeof(text));
	if (n > 0)
		j = json_loadb(text, (size_t)n, 0, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	json_object_set_new(j, "name", json_string(name));
	return j;
}

static int is_kernel(const struct dirent *d)
{
	struct err ignored = ERR_NONE;

	return parse_name(d->d_name, &ignored) == 0;
}

json_t *kernels_list(const struct home *h, struct err *e)
{
	json_t *list = json_array();
	struct dirent **found;
	char path[PATH_ROOM];
	int n, dir = open_catalogue(h, 0, e);

	if (dir < 0 && !e->code)
		return list;
	n = dir < 0 || path_fmt(path, e, "%s/kernels", h->path) < 0 ?
		    -1 :
		    scandir(path, &found, is_kernel, alphasort);
	for (int i = 0; i < n; i++) {
		json_array_append_new(list, describe(dir, found[i]->d_name));
		free(found[i]);
	}
	if (n >= 0) {
		free(found);
	} else {
		json_decref(list);
		list = NULL;
		if (!e->code)
			err_sys(e, "read folder %s", path);
	}
	fd_close(&dir);
	return list;
}
