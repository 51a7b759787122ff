/*
 * root - from the initramfs to the root file system the guest is to live on.
 */
#include "guest/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/mount.h"

#define NEW   "/.vmtool-root"
/* The layers of an overlay: below /run, which moves along, so that they stay within reach. */
#define LOWER "/run/vmtool/lower"
#define UPPER "/run/vmtool/upper"

/* Of the early mounts those that are mount points of their own at the top. */
static const char *const taken_along[] = { "/proc", "/sys", "/dev", "/run", "/tmp" };

/* --- mounting --- */

static int mount_upper(const struct desc_root *r, struct err *e)
{
	struct desc_mount m = { r->upper, UPPER, r->upper_type, "" };
	char size[48] = "mode=0755";

	if (!r->upper[0]) {
		m.source = m.type = "tmpfs";
		m.options = size;
		if (r->upper_bytes)
			snprintf(size, sizeof(size), "mode=0755,size=%" PRIu64, r->upper_bytes);
	}
	if (mount_one(&m, e) < 0)
		return e->code;
	if ((mkdir(UPPER "/upper", 0755) < 0 && errno != EEXIST) ||
	    (mkdir(UPPER "/work", 0755) < 0 && errno != EEXIST))
		return err_sys(e, "make the layer that is written to");
	return 0;
}

static int mount_overlay(const struct desc_root *r, struct err *e)
{
	const struct desc_mount lower = { r->source, LOWER, r->type, r->options };
	const struct desc_mount both = { "overlay", NEW, "overlay",
					 "lowerdir=" LOWER ",upperdir=" UPPER
					 "/upper,workdir=" UPPER "/work" };

	if (mount_one(&lower, e) < 0)
		return e->code;
	/* Whatever the options said: the base is shared. */
	if (mount(NULL, LOWER, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return err_sys(e, "make %s read-only", r->source);
	if (mount_upper(r, e) < 0)
		return e->code;
	return mount_one(&both, e);
}

static void unmount_all(void)
{
	umount2(NEW, MNT_DETACH);
	umount2(UPPER, MNT_DETACH);
	umount2(LOWER, MNT_DETACH);
	rmdir(NEW);
}

static int mount_new(const struct desc_root *r, struct err *e)
{
	const struct desc_mount m = { r->source, NEW, r->type, r->options };

	return r->kind == ROOT_OVERLAY ? mount_overlay(r, e) : mount_one(&m, e);
}

/* --- moving --- */

/* A read-only root needs the folders already. */
static int make_places(struct err *e)
{
	char path[64];
	struct stat st;

	for (size_t i = 0; i < COUNT(taken_along); i++) {
		snprintf(path, sizeof(path), NEW "%s", taken_along[i]);
		if (stat(path, &st) < 0 && mkdir(path, 0755) < 0)
			return err_sys(e, "the new root has no %s, and none can be made",
				       taken_along[i]);
	}
	return 0;
}

/* Those that cannot be moved are no mount points here (a container's), and stay behind. */
static void take_along(void)
{
	char path[64];

	for (size_t i = 0; i < COUNT(taken_along); i++) {
		snprintf(path, sizeof(path), NEW "%s", taken_along[i]);
		mount(taken_along[i], path, NULL, MS_MOVE, NULL);
	}
}

static int become_root(struct err *e)
{
	if (chdir(NEW) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_sys(e, "make it the root");
	return 0;
}

/* --- what is left behind --- */

static void empty_folder(int fd, dev_t device)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(d))) {
		struct stat st;
		int sub;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_dev != device)
			continue; /* another file system is somebody's */
		if (!S_ISDIR(st.st_mode)) {
			unlinkat(dirfd(d), entry->d_name, 0);
			continue;
		}
		sub = openat(dirfd(d), entry->d_name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			empty_folder(sub, device);
		unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

/* Takes over fd, the old root. Only what lies in memory is removed: nobody else has it. */
static void free_old(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0 ||
	    (fs.f_type != RAMFS_MAGIC && fs.f_type != TMPFS_MAGIC))
		fd_close(&fd);
	else
		empty_folder(fd, st.st_dev);
}

int root_switch(const struct desc_root *r, struct err *e)
{
	int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (old < 0)
		return err_sys(e, "open the old root");
	rc = mount_new(r, e);
	if (rc == 0)
		rc = make_places(e);
	if (rc < 0) {
		unmount_all();
		fd_close(&old);
		return rc;
	}
	take_along();
	rc = become_root(e);
	if (rc < 0)
		fd_close(&old);
	else
		free_old(old);
	return rc;
}
