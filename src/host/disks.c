/*
 * disks - the disks a person gives a machine: written down, opened, and kept from other machines.
 */
#include "host/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/config.h"
#include "host/filelock.h"
#include "host/limit.h"
#include "host/livevm.h"

enum { SECTOR = 512 };

/* --- as it is written ----------------------------------------------------------------------- */

static int set_serial(struct disk_wish *d, const char *what, const char *text, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	size_t len = strlen(text);

	if (len == 0 || len > SPEC_SERIAL_MAX || strspn(text, allowed) != len)
		return err_usage(e, "%s: id=%s: wants 1 to %d of letters, digits, '_', '.' and '-'",
				 what, text, SPEC_SERIAL_MAX);
	memcpy(d->serial, text, len + 1);
	return 0;
}

/* QEMU's words for them. */
static int set_aio(struct disk_wish *d, const char *what, const char *text, struct err *e)
{
	if (!strcmp(text, "threads"))
		d->aio = SPEC_AIO_THREADS;
	else if (!strcmp(text, "io_uring"))
		d->aio = SPEC_AIO_IO_URING;
	else
		return err_usage(e, "%s: aio=%s: wants threads or io_uring", what, text);
	return 0;
}

static int set_option(struct disk_wish *d, const char *what, const char *text, struct err *e)
{
	int overlay = !strcmp(text, "overlay");

	if (overlay || !strcmp(text, "ro")) {
		if (d->readonly && d->overlay != overlay)
			return err_usage(e, "%s: 'ro' and 'overlay': there is nothing to write over a "
					    "disk that the guest cannot write", what);
		d->readonly = 1;
		d->overlay = overlay;
		return 0;
	}
	if (!strncmp(text, "id=", 3))
		return set_serial(d, what, text + 3, e);
	if (!strncmp(text, "rate=", 5))
		return limit_rate(&d->rate, what, text + 5, e);
	if (!strncmp(text, "ops=", 4))
		return limit_ops(&d->ops, what, text + 4, e);
	if (!strncmp(text, "aio=", 4))
		return set_aio(d, what, text + 4, e);
	return err_usage(e, "%s: '%s' is no option of a disk: there are ro, overlay, id=SERIAL, rate=BYTES, "
			    "ops=N and aio=threads|io_uring", what, text);
}

static int parse(struct disk_wish *d, const char *what, const char *text, struct err *e)
{
	char part[PATH_ROOM], *rest = part;
	int rc = path_fmt(part, e, "%s", text);

	if (rc < 0)
		return rc;
	*d = (struct disk_wish){ 0 };
	text = strsep(&rest, ",");
	if (*text == '\0')
		return err_usage(e, "%s: names no file: PATH[,ro|,overlay][,id=SERIAL] is wanted", what);
	rc = config_path(d->path, what, text, e);
	while (rc == 0 && rest)
		rc = set_option(d, what, strsep(&rest, ","), e);
	return rc;
}

int disks_add(struct disks *d, const char *what, const char *text, struct err *e)
{
	int rc;

	if (d->count == SPEC_DISKS_MAX)
		return err_usage(e, "%s: more than %d disks", what, SPEC_DISKS_MAX);
	rc = parse(&d->disk[d->count], what, text, e);
	if (rc == 0)
		d->count++;
	return rc;
}

void disks_describe(const struct disks *d, struct spec_disk out[SPEC_DISKS_MAX])
{
	for (unsigned i = 0; i < d->count; i++) {
		out[i].readonly = (uint8_t)d->disk[i].readonly;
		out[i].serial = d->disk[i].serial;
		out[i].rate = d->disk[i].rate;
		out[i].ops = d->disk[i].ops;
		out[i].aio = (uint8_t)d->disk[i].aio;
	}
}

/* --- whose it is ---------------------------------------------------------------------------- */

static int is_file(const char *path, const struct stat *which)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == which->st_dev && st.st_ino == which->st_ino;
}

static int has_disk(const struct config *c, const void *which)
{
	for (unsigned i = 0; i < c->disks.count; i++)
		if (is_file(c->disks.disk[i].path, which))
			return 1;
	return 0;
}

/* A lock of this kind does not say whose it is. */
static int refuse_shared(const struct disk_wish *d, const struct home *h, const char *self,
			 const struct stat *st, struct err *e)
{
	char name[VM_NAME_ROOM];

	if (livevm_with(h, self, has_disk, st, name))
		return err_set(
			e, -EBUSY,
			"disk %s: is in use by the VM %s: one VM may write a disk, or several "
			"read it\n  try: vmtool stop %s, or ',ro' behind the path in both",
			d->path, name, name);
	return err_set(e, -EBUSY, "disk %s: is in use by another program, which has locked it",
		       d->path);
}

static int take(int fd, const struct disk_wish *d, const struct home *h, const char *self,
		const struct stat *st, struct err *e)
{
	enum filelock kind = d->readonly ? FILELOCK_SHARED : FILELOCK_ALONE;
	char name[VM_NAME_ROOM];
	int rc = filelock_take(fd, kind);

	if (rc == -EAGAIN && !livevm_with(h, self, has_disk, st, name))
		rc = filelock_take_over(fd, kind);
	if (rc == -EAGAIN)
		return refuse_shared(d, h, self, st, e);
	return rc < 0 ? err_set(e, rc, "disk %s: lock it: %s", d->path, strerror(-rc)) : 0;
}

/* --- opening -------------------------------------------------------------------------------- */

static int check_size(int fd, const struct disk_wish *d, struct err *e)
{
	off_t bytes = lseek(fd, 0, SEEK_END); /* st_size of a block device is 0 */

	if (bytes < 0)
		return err_sys(e, "disk %s: ask for its size", d->path);
	if (bytes == 0)
		return err_set(e, -EINVAL, "disk %s: is empty", d->path);
	if (bytes % SECTOR)
		return err_set(
			e, -EINVAL,
			"disk %s: has %lld bytes, which is no multiple of %d: a raw image is "
			"wanted",
			d->path, (long long)bytes, SECTOR);
	return 0;
}

static int open_file(const struct disk_wish *d, struct stat *st, struct err *e)
{
	int flags = (d->readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC;
	int fd;

	if (stat(d->path, st) < 0)
		return err_sys(e, "disk %s", d->path);
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return err_set(e, -EINVAL, "disk %s: is neither a regular file nor a block device",
			       d->path);
	if (S_ISBLK(st->st_mode) && !d->readonly)
		flags |= O_EXCL; /* refused while the host has it mounted: open(2) */
	fd = open(d->path, flags);
	if (fd >= 0 && fstat(fd, st) == 0)
		return fd;
	err_sys(e, "disk %s", d->path);
	if (!d->readonly && (e->code == -EACCES || e->code == -EROFS || e->code == -EPERM))
		err_set(e, e->code, "disk %s: cannot be written: %s\n  try: --disk %s,ro", d->path,
			strerror(-e->code), d->path);
	fd_close(&fd);
	return e->code;
}

static int open_disk(const struct disk_wish *d, const struct home *h, const char *self,
		     struct err *e)
{
	struct stat st;
	int fd = open_file(d, &st, e), rc;

	if (fd < 0)
		return fd;
	rc = check_size(fd, d, e);
	if (rc == 0)
		rc = take(fd, d, h, self, &st, e);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

/* Two of one machine's own: its locks would get in each other's way and blame a stranger. */
static int check_twins(const struct disks *d, struct err *e)
{
	for (unsigned i = 0; i < d->count; i++) {
		struct stat st;

		if (stat(d->disk[i].path, &st) < 0)
			continue; /* which is told when it is opened */
		for (unsigned k = 0; k < i; k++)
			if (!(d->disk[i].readonly && d->disk[k].readonly) &&
			    is_file(d->disk[k].path, &st))
				return err_set(e, -EBUSY,
					       "disk %s: is given twice, and not both times ',ro'",
					       d->disk[i].path);
	}
	return 0;
}

int disks_open(const struct disks *d, const struct home *h, const char *self,
	       int fd[SPEC_DISKS_MAX], unsigned *count, struct err *e)
{
	int rc = check_twins(d, e);

	*count = 0;
	while (rc >= 0 && *count < d->count) {
		rc = open_disk(&d->disk[*count], h, self, e);
		if (rc >= 0)
			fd[(*count)++] = rc;
	}
	return rc < 0 ? rc : 0;
}

int disks_open_base(const struct disk_wish *d, const struct home *h, const char *self, struct err *e)
{
	struct disk_wish written = *d;

	written.readonly = 0;
	return open_disk(&written, h, self, e);
}
