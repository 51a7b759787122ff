/*
 * store - the folders of VMs: making, finding, owning and removing one.
 */
#include "host/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>

#include "base/fd.h"
#include "base/parse.h"
#include "host/graves.h"
#include "host/holder.h"
#include "host/lock.h"
#include "host/vmid.h"

static const char lock_name[] = "lock";

static int open_folder(struct vmref *v, const struct home *h, const char *name)
{
	v->home = h;
	snprintf(v->name, sizeof(v->name), "%s", name);
	if (h->vms < 0)
		return -ENOENT;
	v->dir = openat(h->vms, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return v->dir < 0 ? -errno : 0;
}

/* Whose id begins with this. 0; -ENOENT without a sentence: nobody's; -ENOTUNIQ with one. */
static int name_of_id(char out[VM_NAME_ROOM], const struct home *h, const char *begin,
		      struct err *e)
{
	char(*names)[VM_NAME_ROOM], id[VMID_LEN + 1];
	int count = vmid_may_begin(begin) ? store_names(h, &names, e) : -ENOENT;
	int found = -1, rc = count < 0 ? count : -ENOENT;

	for (int i = 0; i < count && rc != -ENOTUNIQ; i++) {
		if (vmid_read(h->vms, names[i], id) < 0 || strncmp(id, begin, strlen(begin)) != 0)
			continue;
		if (found >= 0) {
			rc = err_set(e, -ENOTUNIQ, "%s: begins the id of %s, and that of %s", begin,
				     names[found], names[i]);
			continue;
		}
		found = i;
		rc = 0;
	}
	if (rc == 0)
		memcpy(out, names[found], VM_NAME_ROOM);
	if (count >= 0)
		free(names);
	return rc;
}

int store_name(char out[VM_NAME_ROOM], const struct home *h, const char *name, struct err *e)
{
	int rc = parse_name(name, e);

	if (rc < 0)
		return rc;
	snprintf(out, VM_NAME_ROOM, "%s", name);
	if (h->vms < 0 || faccessat(h->vms, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	rc = name_of_id(out, h, name, e);
	return rc == -ENOENT ? 0 : rc;
}

int store_find(struct vmref *v, const struct home *h, const char *typed, struct err *e)
{
	char name[VM_NAME_ROOM];
	int rc = parse_name(typed, e);

	if (rc < 0)
		return rc;
	rc = open_folder(v, h, typed);
	if (rc == -ENOENT) {
		rc = name_of_id(name, h, typed, e);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		rc = rc < 0 ? rc : open_folder(v, h, name);
	}
	if (rc == -ENOENT)
		return err_set(e, rc, "%s: there is no VM of this name\n  try: vmtool ls", typed);
	if (rc < 0)
		return err_set(e, rc, "%s: open its folder: %s", v->name, strerror(-rc));
	return 0;
}

/* A folder that was renamed away is about to be removed: nobody's VM any more. */
static int is_at_its_name(const struct vmref *v)
{
	struct stat held, found;

	return fstat(v->dir, &held) == 0 &&
	       fstatat(v->home->vms, v->name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == found.st_ino && held.st_dev == found.st_dev;
}

static int take_lock(const struct vmref *v)
{
	int fd = lock_take(v->dir, lock_name, 0);

	/* Made only where it is missing, because rm could stumble over a file that is new. */
	if (fd == -ESTALE && is_at_its_name(v))
		fd = lock_take(v->dir, lock_name, 1);
	if (fd >= 0 && !is_at_its_name(v)) {
		fd_close(&fd);
		return -ESTALE;
	}
	if (fd >= 0)
		lock_sign(fd);
	return fd;
}

int store_busy(const struct vmref *v, struct err *e)
{
	char who[64];

	return err_set(e, -EBUSY, "%s: in use by %s", v->name,
		       holder_text(who, sizeof(who), v->dir, lock_name));
}

int store_lock(struct vmref *v, struct err *e)
{
	int fd = take_lock(v);

	if (fd == -EBUSY)
		return store_busy(v, e);
	if (fd == -ESTALE)
		return err_set(e, fd, "%s: has just been removed", v->name);
	if (fd < 0)
		return err_set(e, fd, "%s: lock its folder: %s", v->name, strerror(-fd));
	v->lock = fd;
	return 0;
}

/* Nobody's yet: whoever made the folder may not be the one who got its lock. */
static int is_new(const struct vmref *v)
{
	return faccessat(v->dir, "id", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       faccessat(v->dir, "vm.ini", F_OK, 0) < 0;
}

int store_own(struct vmref *v, const struct home *h, const char *name, struct err *e)
{
	int made, rc = parse_name(name, e);

	if (rc < 0)
		return rc;
	/* Another round each time someone removed the folder between our look and our lock. */
	do {
		store_close(v);
		if (mkdirat(h->vms, name, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "%s: make its folder", name);
		rc = open_folder(v, h, name);
		if (rc == -ENOENT)
			rc = -ESTALE;
		else if (rc < 0)
			return err_set(e, rc, "%s: open its folder: %s", name, strerror(-rc));
		else
			rc = store_lock(v, e);
	} while (rc == -ESTALE);
	made = rc == 0 && is_new(v);
	if (rc == 0) /* of a folder that is older than ids, too */
		rc = vmid_make(v->dir, e);
	if (rc < 0 && v->lock >= 0 && made)
		(void)store_remove(v, &(struct err){ 0 });
	return rc < 0 ? rc : made;
}

int store_holder(const struct vmref *v, struct procid *who)
{
	return lock_holder(v->dir, lock_name, who);
}

int store_is_locked(const struct vmref *v)
{
	return v->lock >= 0 || lock_is_held(v->dir, lock_name) > 0;
}

int store_is_locked_by_name(const struct home *h, const char *name)
{
	char path[VM_NAME_ROOM + sizeof(lock_name)];

	snprintf(path, sizeof(path), "%s/%s", name, lock_name);
	return lock_is_held(h->vms, path) > 0;
}

void store_sign(const struct vmref *v)
{
	lock_sign(v->lock);
}

int store_rename(struct vmref *v, const char *name, struct err *e)
{
	int vms = v->home->vms;

	if (syscall(SYS_renameat2, vms, v->name, vms, name, RENAME_NOREPLACE) < 0) {
		if (errno == EEXIST)
			return err_set(e, -EEXIST, "%s: there is a VM of this name already", name);
		return err_sys(e, "%s: rename it to %s", v->name, name);
	}
	if (fsync(vms) < 0 && errno != EINVAL)
		return err_sys(e, "%s: rename it to %s", v->name, name);
	snprintf(v->name, sizeof(v->name), "%s", name);
	return 0;
}

int store_remove(struct vmref *v, struct err *e)
{
	char grave[GRAVE_NAME_ROOM];
	int vms = v->home->vms, rc;

	/* Away from its name in one step: a half-removed VM is nobody's VM. */
	grave_name(grave, v->name);
	if (renameat(vms, v->name, vms, grave) < 0)
		return err_sys(e, "%s: remove its folder", v->name);
	rc = path_remove_tree(vms, grave, e);
	store_close(v);
	return rc;
}

void store_close(struct vmref *v)
{
	fd_close(&v->lock);
	fd_close(&v->dir);
}

static int is_vm(const struct dirent *d)
{
	struct err ignored = ERR_NONE;

	return parse_name(d->d_name, &ignored) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int store_names(const struct home *h, char (**names)[VM_NAME_ROOM], struct err *e)
{
	char(*list)[VM_NAME_ROOM] = NULL;
	size_t count = 0, room = 0;
	DIR *dir = home_list(h, e);
	struct dirent *d;

	*names = NULL;
	if (!dir)
		return h->vms < 0 ? 0 : e->code;
	while ((d = readdir(dir))) {
		if (!is_vm(d))
			continue;
		if (count == room) {
			void *more;

			room = room ? 2 * room : 16;
			more = realloc(list, room * sizeof(*list));
			if (!more) {
				free(list);
				closedir(dir);
				return err_set(e, -ENOMEM, "out of memory");
			}
			list = more;
		}
		memcpy(list[count++], d->d_name, strlen(d->d_name) + 1);
	}
	closedir(dir);
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*names = list;
	return (int)count;
}
