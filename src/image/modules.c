/*
 * modules - the kernel modules that a guest needs before it can reach its host.
 *
 * modules.dep(5): "path: path..." a line, what a module needs nearest first. In names "-" and "_"
 * are the same.
 */
#include "image/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/util.h"
#include "image/cpio.h"
#include "image/unpack.h"

enum {
	LIST_MAX = 16 << 20,   /* of modules.dep and modules.builtin */
	MODULE_MAX = 64 << 20, /* of one, unpacked */
};

/* Our devices. Without the first two no guest reaches its host. */
static const struct need {
	const char *name;
	int is_must;
} needs[] = {
	{ "virtio_pci", 1 },	{ "vmw_vsock_virtio_transport", 1 },
	{ "virtio_blk", 0 },	{ "ext4", 0 },
	{ "overlay", 0 },	{ "virtio_net", 0 },
	{ "virtio_rng", 0 },	{ "virtio_balloon", 0 },
	{ "virtio_console", 0 }, { "af_packet", 0 },
	{ "button", 0 },	{ "ptp_kvm", 0 },
	{ "pvpanic_mmio", 0 },
};

struct tree {
	const char *path;   /* of the folder, borrowed */
	const char *folder; /* in the archive, borrowed */
	const char *version; /* of the kernel; "": not known */
	int dir;	  /* owned */
	struct blob dep, builtin; /* each ends in a NUL */
};

/* "kernel/drivers/virtio/virtio-rng.ko.xz" -> "virtio_rng". 0 when that is no module's path. */
static int name_of(char out[64], const char *path, size_t len)
{
	const char *base = memrchr(path, '/', len), *end;
	size_t n;

	base = base ? base + 1 : path;
	len -= (size_t)(base - path);
	end = memmem(base, len, ".ko", 3);
	n = end ? (size_t)(end - base) : 0;
	if (n == 0 || n >= 64)
		return 0;
	for (size_t i = 0; i < n; i++)
		out[i] = base[i] == '-' ? '_' : base[i];
	out[n] = '\0';
	return 1;
}

/* The line of a list whose first path is of this module; NULL: there is none. */
static const char *find_line(const struct blob *list, const char *name)
{
	char found[64];

	for (const char *at = (const char *)list->data; at && *at;
	     at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (name_of(found, at, strcspn(at, ":\n")) && !strcmp(found, name))
			return at;
	return NULL;
}

static int read_list(struct blob *b, const struct tree *t, const char *file, struct err *e)
{
	int fd = openat(t->dir, file, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, -ENOENT,
			       "%s: has no %s: give the folder of this kernel, /lib/modules/VERSION",
			       t->path, file);
	if (fd < 0)
		return err_sys(e, "%s/%s", t->path, file);
	rc = blob_read(b, fd, LIST_MAX);
	fd_close(&fd);
	if (rc == 0)
		rc = blob_grow(b, 1, LIST_MAX + 1);
	if (rc < 0)
		return err_set(e, rc, "%s/%s: %s", t->path, file, strerror(-rc));
	b->data[b->len] = '\0';
	return 0;
}

static int is_packed_already(const struct modules *m, const char *name)
{
	for (unsigned i = 0; i < m->count; i++)
		if (!strcmp(m->name[i], name))
			return 1;
	return 0;
}

/* Of another kernel's modules each would be refused, in the guest, at its start. The section
 * .modinfo (linux/moduleparam.h) holds "vermagic=VERSION ...". */
static int check_version(const struct tree *t, const char *path, const struct blob *module,
			 struct err *e)
{
	static const char key[] = "vermagic=";
	const char *at = memmem(module->data, module->len, key, sizeof(key) - 1);
	size_t left, n, len = strlen(t->version);

	if (!at || !len)
		return 0;
	at += sizeof(key) - 1;
	left = (size_t)((const char *)module->data + module->len - at);
	for (n = 0; n < left && at[n] > ' ';)
		n++;
	if (n == len && !memcmp(at, t->version, len))
		return 0;
	return err_set(e, -EINVAL, "%s/%s: is of kernel %.*s, and this kernel is %s", t->path, path,
		       (int)MIN(n, (size_t)64), at, t->version);
}

/* A module is an ELF file, which distributions may have packed once more. */
static int add_file(struct modules *m, const struct tree *t, struct cpio *c, const char *path,
		    const char *name, struct err *e)
{
	struct blob file = BLOB_NONE, plain = BLOB_NONE, *use = &file;
	char where[128], full[PATH_ROOM];
	int fd, rc = path_fmt(full, e, "%s/%s", t->path, path);

	if (rc < 0)
		return rc;
	fd = openat(t->dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "%s", full);
	rc = blob_read(&file, fd, MODULE_MAX);
	fd_close(&fd);
	if (rc < 0) {
		err_set(e, rc, "%s: %s", full, strerror(-rc));
	} else if (file.len < 4 || memcmp(file.data, "\177ELF", 4) != 0) {
		use = &plain;
		rc = unpack(&plain, full, file.data, file.len, MODULE_MAX, e);
	}
	if (rc == 0)
		rc = check_version(t, path, use, e);
	if (rc == 0) {
		snprintf(where, sizeof(where), "%s/%02u-%s.ko", t->folder, m->count, name);
		cpio_file(c, where, 0600, use->data, use->len);
		snprintf(m->name[m->count++], sizeof(m->name[0]), "%s", name);
	}
	blob_free(&file);
	blob_free(&plain);
	return rc;
}

/* line: "path: path...". The last is needed first. */
static int add_line(struct modules *m, const struct tree *t, struct cpio *c, const char *line,
		    struct err *e)
{
	size_t end = strcspn(line, "\n");
	int rc = 0;

	while (rc == 0 && end > 0) {
		char name[64], path[PATH_ROOM];
		size_t from = end;

		while (from > 0 && line[from - 1] != ' ')
			from--;
		if (end - from < sizeof(path)) {
			memcpy(path, line + from, end - from);
			path[end - from - (end > from && line[end - 1] == ':')] = '\0';
			if (name_of(name, path, strlen(path)) && !is_packed_already(m, name))
				rc = m->count == MODULES_MAX ?
					     err_set(e, -E2BIG, "%s: more than %d modules",
						     t->path, MODULES_MAX) :
					     add_file(m, t, c, path, name, e);
		}
		for (end = from; end > 0 && line[end - 1] == ' ';)
			end--;
	}
	return rc;
}

/* 0; -ENOENT, *e untouched: the kernel has it neither as a module nor built in. */
static int add_module(struct modules *m, const struct tree *t, struct cpio *c, const char *as_said,
		      struct err *e)
{
	const char *line;
	char name[64];

	snprintf(name, sizeof(name), "%s", as_said);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	line = find_line(&t->dep, name);
	if (line)
		return add_line(m, t, c, line, e);
	return find_line(&t->builtin, name) ? 0 : -ENOENT;
}

static int add_needs(struct modules *m, const struct tree *t, struct cpio *c, struct err *e)
{
	for (size_t i = 0; i < COUNT(needs); i++) {
		int rc = add_module(m, t, c, needs[i].name, e);

		if (rc == -ENOENT && !e->code && needs[i].is_must)
			return err_set(e, rc,
				       "%s: has no module %s, and the kernel has it not built in: "
				       "no guest reaches its host without",
				       t->path, needs[i].name);
		if (rc < 0 && e->code)
			return rc;
	}
	return 0;
}

static int add_more(struct modules *m, const struct tree *t, struct cpio *c,
		    const char *const *more, struct err *e)
{
	for (; more && *more; more++) {
		int rc = add_module(m, t, c, *more, e);

		if (rc == -ENOENT && !e->code)
			return err_set(e, rc, "--module %s: there is none of this name in %s",
				       *more, t->path);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int pack(struct modules *m, const struct tree *t, const char *const *more, int fd,
		struct err *e)
{
	struct cpio c = CPIO_TO(fd);
	int rc;

	cpio_folder(&c, t->folder, 0700);
	rc = add_needs(m, t, &c, e);
	if (rc == 0)
		rc = add_more(m, t, &c, more, e);
	if (rc < 0)
		return rc;
	rc = cpio_end(&c);
	return rc < 0 ? err_set(e, rc, "write the archive of modules: %s", strerror(-rc)) : 0;
}

int modules_pack(struct modules *m, const struct modules_wish *w, int fd, struct err *e)
{
	const char *dir = w->dir;
	struct tree t = {
		.path = dir,
		.folder = w->folder,
		.version = w->version,
		.dir = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC),
	};
	int rc;

	*m = (struct modules){ 0 };
	if (t.dir < 0)
		return err_sys(e, "%s", dir);
	rc = read_list(&t.dep, &t, "modules.dep", e);
	if (rc == 0)
		rc = read_list(&t.builtin, &t, "modules.builtin", e);
	if (rc == 0)
		rc = pack(m, &t, w->more, fd, e);
	blob_free(&t.dep);
	blob_free(&t.builtin);
	fd_close(&t.dir);
	return rc;
}
