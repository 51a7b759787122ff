/*
 * overlays - what VMs wrote over disks that are never written.
 */
#include "host/overlays.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/filelock.h"
#include "proto/overlay.h"

enum { NAME_ROOM = 24, COPY_BYTES = 64 << 10 };

void disk_name(unsigned i, char out[DISK_NAME_ROOM])
{
	snprintf(out, DISK_NAME_ROOM, "vd%c", 'a' + (char)i);
}

static void file_name(unsigned i, char out[NAME_ROOM])
{
	char disk[DISK_NAME_ROOM];

	disk_name(i, disk);
	snprintf(out, NAME_ROOM, "%s.overlay", disk);
}

/* --- one that is there ---------------------------------------------------------------------- */

static int read_header(int fd, struct overlay_header *h)
{
	uint8_t bytes[OVERLAY_HEADER];
	struct stat st;

	if (pread(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
	    overlay_decode(h, bytes) < 0 || fstat(fd, &st) < 0)
		return -EPROTO;
	return (uint64_t)st.st_size < overlay_file_bytes(h->base.bytes) ? -EPROTO : 0;
}

static int write_header(int fd, const struct overlay_header *h)
{
	uint8_t bytes[OVERLAY_HEADER];

	overlay_encode(h, bytes);
	if (pwrite(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return errno ? -errno : -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

static int know_base(int fd, struct overlay_base *b)
{
	struct stat st;
	off_t bytes = lseek(fd, 0, SEEK_END);

	if (bytes < 0 || fstat(fd, &st) < 0)
		return -errno;
	*b = (struct overlay_base){ .bytes = (uint64_t)bytes };
	if (S_ISREG(st.st_mode)) {
		b->ino = st.st_ino;
		b->mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
	}
	return 0;
}

/* Opens it and reads its header. The descriptor; -ENOENT without a sentence; or negative with one. */
static int open_one(const struct vmref *v, unsigned i, struct overlay_header *h, struct err *e)
{
	char file[NAME_ROOM], disk[DISK_NAME_ROOM];
	int fd, rc;

	disk_name(i, disk);
	file_name(i, file);
	fd = openat(v->dir, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, "%s: open %s", v->name, file);
	rc = filelock_take_over(fd, FILELOCK_ALONE);
	if (rc < 0)
		err_set(e, rc, "%s: %s: is in use by another program", v->name, file);
	else if ((rc = read_header(fd, h)) < 0)
		err_set(e, rc,
			"%s: %s: is cut, or no overlay of this vmtool's\n  try: vmtool disk discard %s %s",
			v->name, file, v->name, disk);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

static int check_base(const struct vmref *v, const char *path, unsigned i,
		      const struct overlay_header *h, const struct overlay_base *base, struct err *e)
{
	char disk[DISK_NAME_ROOM];

	disk_name(i, disk);
	if (h->state == OVERLAY_COMMITTING)
		return err_set(e, -EBUSY,
			       "disk %s: has a part of what the VM %s wrote over it: a commit was cut "
			       "short\n  try: vmtool disk commit %s %s",
			       path, v->name, v->name, disk);
	if (h->base.bytes == base->bytes && h->base.ino == base->ino &&
	    h->base.mtime_ns == base->mtime_ns)
		return 0;
	return err_set(e, -ESTALE,
		       "disk %s: is not what the VM %s has written over: it was changed or replaced "
		       "since\n  try: put it back, or lose what was written: vmtool disk discard %s %s",
		       path, v->name, v->name, disk);
}

/* --- making and removing -------------------------------------------------------------------- */

/* All of it or nothing: the name is given last. */
static int make(const struct vmref *v, unsigned i, const struct overlay_base *base, struct err *e)
{
	struct overlay_header h = { OVERLAY_LIVE, *base };
	char file[NAME_ROOM], fresh[NAME_ROOM + 4];
	int fd, rc;

	file_name(i, file);
	snprintf(fresh, sizeof(fresh), "%s.new", file);
	if (base->bytes > OVERLAY_BYTES_MAX)
		return err_set(e, -EFBIG, "%s: %s: the disk is too large for an overlay: at most 16 TiB",
			       v->name, file);
	fd = openat(v->dir, fresh, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = fd < 0 ? -errno : filelock_take(fd, FILELOCK_ALONE);
	if (rc == 0 && ftruncate(fd, (off_t)overlay_file_bytes(base->bytes)) < 0)
		rc = -errno;
	if (rc == 0)
		rc = write_header(fd, &h);
	if (rc == 0 && (renameat(v->dir, fresh, v->dir, file) < 0 || fsync(v->dir) < 0))
		rc = -errno;
	if (rc == 0)
		return fd;
	fd_close(&fd);
	unlinkat(v->dir, fresh, 0);
	return err_set(e, rc, "%s: make %s: %s", v->name, file, strerror(-rc));
}

static int take_away(const struct vmref *v, unsigned i, struct err *e)
{
	char file[NAME_ROOM];

	file_name(i, file);
	if (unlinkat(v->dir, file, 0) < 0 || fsync(v->dir) < 0)
		return err_sys(e, "%s: remove %s", v->name, file);
	return 0;
}

int overlays_open(const struct vmref *v, const struct disks *d, unsigned i, int base, struct err *e)
{
	const char *path = d->disk[i].path;
	struct overlay_header h;
	struct overlay_base now;
	int fd, rc = know_base(base, &now);

	if (rc < 0)
		return err_set(e, rc, "disk %s: %s", path, strerror(-rc));
	fd = open_one(v, i, &h, e);
	if (fd == -ENOENT)
		return make(v, i, &now, e);
	if (fd >= 0 && check_base(v, path, i, &h, &now, e) < 0)
		fd_close(&fd);
	return fd < 0 ? e->code : fd;
}

int64_t overlays_bytes(const struct vmref *v, unsigned i)
{
	char file[NAME_ROOM];
	struct stat st;

	file_name(i, file);
	if (fstatat(v->dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return (int64_t)st.st_blocks * 512;
}

int overlays_discard(const struct vmref *v, unsigned i, struct err *e)
{
	struct err unreadable = ERR_NONE;
	struct overlay_header h;
	char disk[DISK_NAME_ROOM];
	int fd = open_one(v, i, &h, &unreadable);

	disk_name(i, disk);
	if (fd == -ENOENT)
		return 0;
	if (fd >= 0 && h.state == OVERLAY_COMMITTING)
		err_set(e, -EBUSY,
			"%s: a commit of %s was cut short, and its base is none without the rest\n"
			"  try: vmtool disk commit %s %s",
			v->name, disk, v->name, disk);
	else if (fd < 0 && fd != -EPROTO)
		*e = unreadable;
	fd_close(&fd);
	return e->code < 0 ? e->code : take_away(v, i, e);
}

/* --- commit --------------------------------------------------------------------------------- */

static int copy_bytes(int from, uint64_t from_at, int to, uint64_t to_at, uint64_t left)
{
	static uint8_t buf[COPY_BYTES];

	while (left > 0) {
		ssize_t n = pread(from, buf, (size_t)MIN(left, sizeof(buf)), (off_t)from_at);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (ssize_t done = 0, w; done < n; done += w) {
			w = pwrite(to, buf + done, (size_t)(n - done), (off_t)to_at + done);
			if (w <= 0)
				return w < 0 ? -errno : -EIO;
		}
		from_at += (uint64_t)n;
		to_at += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return 0;
}

/* The blocks that one block of the map tells of. Bytes, or a negative errno. */
static int64_t copy_page(int fd, int base, uint64_t disk_bytes, uint64_t page)
{
	uint64_t first = page * OVERLAY_BLOCK * 8, bytes = 0;
	uint8_t map[OVERLAY_BLOCK];
	int rc = 0;

	if (pread(fd, map, sizeof(map), (off_t)(OVERLAY_MAP_AT + page * OVERLAY_BLOCK)) !=
	    (ssize_t)sizeof(map))
		return -EIO;
	for (unsigned k = 0; k < OVERLAY_BLOCK * 8 && rc == 0; k++) {
		uint64_t at = (first + k) * OVERLAY_BLOCK, len;

		if (at >= disk_bytes || !(map[k / 8] >> (k & 7) & 1))
			continue;
		len = MIN(disk_bytes - at, (uint64_t)OVERLAY_BLOCK);
		rc = copy_bytes(fd, overlay_data_at(disk_bytes) + at, base, at, len);
		bytes += len;
	}
	return rc < 0 ? rc : (int64_t)bytes;
}

static int64_t copy_all(int fd, int base, uint64_t disk_bytes)
{
	uint64_t pages = overlay_map_bytes(disk_bytes) / OVERLAY_BLOCK;
	int64_t bytes = 0;

	for (uint64_t page = 0; page < pages; page++) {
		int64_t n = copy_page(fd, base, disk_bytes, page);

		if (n < 0)
			return n;
		bytes += n;
	}
	return fsync(base) < 0 ? -errno : bytes;
}

/* From the first write to the base on it is no base for anybody: that is written down before, and
 * stays until all of it has got there. */
static int64_t commit(const struct vmref *v, const struct disks *d, unsigned i, int fd, int base,
		      struct overlay_header *h, struct err *e)
{
	const char *path = d->disk[i].path;
	struct overlay_base now;
	int64_t bytes;
	int rc = know_base(base, &now);

	if (rc < 0)
		return err_set(e, rc, "disk %s: %s", path, strerror(-rc));
	if (h->state == OVERLAY_COMMITTING)
		now.mtime_ns = h->base.mtime_ns; /* it was us */
	h->state = OVERLAY_LIVE;
	if (check_base(v, path, i, h, &now, e) < 0)
		return e->code;
	h->state = OVERLAY_COMMITTING;
	rc = write_header(fd, h);
	if (rc < 0)
		return err_set(e, rc, "%s: begin the commit: %s", v->name, strerror(-rc));
	bytes = copy_all(fd, base, h->base.bytes);
	if (bytes < 0)
		return err_set(e, (int)bytes,
			       "disk %s: write to it: %s\n  try: vmtool disk commit again, once that is cured",
			       path, strerror((int)-bytes));
	rc = take_away(v, i, e);
	return rc < 0 ? rc : bytes;
}

int64_t overlays_commit(const struct vmref *v, const struct disks *d, unsigned i, struct err *e)
{
	struct overlay_header h;
	int fd = open_one(v, i, &h, e), base = -1;
	int64_t bytes = fd;

	if (fd == -ENOENT)
		return 0;
	if (fd >= 0)
		bytes = base = disks_open_base(&d->disk[i], v->home, v->name, e);
	if (base >= 0)
		bytes = commit(v, d, i, fd, base, &h, e);
	fd_close(&base);
	fd_close(&fd);
	return bytes;
}
