/*
 * fsd - the guest's answer to one struct fs_req, in a process of its own.
 */
#include "guest/fsd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/user.h"
#include "proto/copy.h"
#include "tree/walk.h"

enum { RENAME_KEEP = 1 }; /* RENAME_NOREPLACE of renameat2(2), which musl does not have */

/* --- what is told --- */

int fsd_problem(struct fsd *d, const char *path, int sys, const char *what)
{
	char shown[FS_SAID_MAX];
	size_t len = strlen(path), cut = len >= sizeof(shown) - 3 ? len - (sizeof(shown) - 4) : 0;
	struct fs_problem p = { (uint32_t)sys, shown, what };
	uint8_t mem[FS_FRAME_MAX];

	snprintf(shown, sizeof(shown), "%s%s", cut ? "..." : "", path + cut);
	d->problems++;
	return wire_say(&d->wire, FRAME_FS_PROBLEM, mem,
			(size_t)fs_problem_encode(&p, mem, sizeof(mem)), &d->e);
}

int fsd_problem_at(struct fsd *d, const char *name, int sys, const char *what)
{
	size_t len = d->at.trail.len;
	int rc;

	if (trail_push(&d->at.trail, name) < 0)
		return err_set(&d->e, -ENOMEM, "no memory for a path");
	rc = fsd_problem(d, trail_text(&d->at.trail), sys, what);
	trail_cut(&d->at.trail, len);
	return rc;
}

static const char *owner_name(struct fsd_owner *o, const char *file, uint32_t id)
{
	if (!o->is_known || o->id != id)
		user_name_of(o->name, sizeof(o->name), "/etc", file, id);
	o->is_known = 1;
	o->id = id;
	return o->name;
}

static struct fs_time time_of(struct timespec t)
{
	return (struct fs_time){ t.tv_sec, (uint32_t)t.tv_nsec };
}

int fsd_entry(struct fsd *d, int dir, const char *name, const struct stat *st)
{
	int is_device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
	char target[COPY_TARGET_MAX] = "";
	uint8_t mem[FS_FRAME_MAX];
	struct fs_entry n = {
		.name = name,
		.mode = st->st_mode & (S_IFMT | 07777),
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.inode = st->st_ino,
		.links = (uint32_t)st->st_nlink,
		.major = is_device ? major(st->st_rdev) : 0,
		.minor = is_device ? minor(st->st_rdev) : 0,
		.accessed = time_of(st->st_atim),
		.modified = time_of(st->st_mtim),
		.changed = time_of(st->st_ctim),
		.target = target,
		.owner = owner_name(&d->owner, "passwd", st->st_uid),
		.group = owner_name(&d->group, "group", st->st_gid),
	};

	/* One that went meanwhile is without its text. */
	if (S_ISLNK(st->st_mode) && readlinkat(dir, name, target, sizeof(target) - 1) < 0)
		target[0] = '\0';
	return wire_put(&d->wire, FRAME_FS_ENTRY, mem,
			(size_t)fs_entry_encode(&n, mem, sizeof(mem)), &d->e);
}

/* --- in a tree --- */

int fsd_enter(struct fsd *d, const char *name)
{
	/* A link that was asked about is followed; below that, none. */
	int nofollow = d->at.depth || d->q->op == FS_REMOVE ? O_NOFOLLOW : 0;
	int fd = openat(d->at.dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow), rc;
	struct listing none = LISTING_NONE;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || descent_is_inside(&d->at, &st)) {
		rc = fsd_problem_at(d, name, fd < 0 ? errno : ELOOP, "");
		fd_close(&fd);
		return rc;
	}
	if (descent_enter(&d->at, name, fd, &st, &none, 0) < 0)
		return err_set(&d->e, -ENOMEM, "no memory for the folders on the way");
	descent_here(&d->at)->mark = d->problems;
	return 1;
}

int fsd_each_name(struct fsd *d, int (*each)(struct fsd *d, const char *name))
{
	int fd = openat(d->at.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *n;

	if (!dir) {
		rc = fsd_problem(d, trail_text(&d->at.trail), errno, "");
		fd_close(&fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, n = readdir(dir)))
		if (strcmp(n->d_name, ".") && strcmp(n->d_name, ".."))
			rc = each(d, n->d_name);
	if (rc == 0 && errno)
		rc = fsd_problem(d, trail_text(&d->at.trail), errno, "");
	closedir(dir);
	return rc;
}

int fsd_leave(struct fsd *d)
{
	int rc = descent_leave(&d->at);

	return rc == 0 ? 0
		       : err_set(&d->e, rc, "%s: was moved meanwhile: nothing more is done",
				 trail_text(&d->at.trail));
}

/* --- single answers --- */

static int stat_it(struct fsd *d)
{
	const char *path = d->q->path;
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, d->q->flags & FS_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return fsd_problem(d, path, errno, "");
	return fsd_entry(d, AT_FDCWD, path, &st);
}

static int is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What is missing above, each folder in turn. 0 or an errno. */
static int make_parents(const char *path)
{
	char part[FS_PATH_MAX];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (size_t at = 1; at < len; at++) {
		if (path[at] != '/')
			continue;
		memcpy(part, path, at);
		part[at] = '\0';
		if (mkdir(part, 0777) < 0 && !is_folder(part))
			return errno == EEXIST ? ENOTDIR : errno;
	}
	return 0;
}

static int make_folder(struct fsd *d)
{
	const struct fs_req *q = d->q;
	int rc = q->flags & FS_PARENTS ? make_parents(q->path) : 0;

	umask(0); /* the mode is what was asked for */
	if (rc == 0 && mkdir(q->path, q->mode) < 0)
		rc = errno;
	if (rc == EEXIST && q->flags & FS_PARENTS && is_folder(q->path))
		rc = 0;
	return rc ? fsd_problem(d, q->path, rc, "") : 0;
}

/* Where it is to be called so: `to`, or in the folder `to` the name it has. 0 or an errno. */
static int new_name(char *out, size_t room, const struct fs_req *q, const char *base)
{
	int into = !(q->flags & FS_EXACT) && is_folder(q->to);
	int n;

	if (q->flags & FS_INTO && !into)
		return access(q->to, F_OK) == 0 ? ENOTDIR : errno;
	n = snprintf(out, room, "%s%s%s", q->to, into ? "/" : "", into ? base : "");
	return n < 0 || (size_t)n >= room ? ENAMETOOLONG : 0;
}

static int move(struct fsd *d)
{
	const struct fs_req *q = d->q;
	char base[COPY_NAME_MAX + 1], to[FS_PATH_MAX + COPY_NAME_MAX + 2], what[FS_PATH_MAX - 64];
	unsigned flags = q->flags & FS_KEEP ? RENAME_KEEP : 0;
	int is_place, rc;

	if (walk_base(q->path, base, &is_place) < 0)
		return fsd_problem(d, q->path, ENAMETOOLONG, "");
	if (is_place)
		return fsd_problem(d, q->path, EBUSY, "a root, . and .. are not moved");
	rc = new_name(to, sizeof(to), q, base);
	if (rc == 0 && syscall(SYS_renameat2, AT_FDCWD, q->path, AT_FDCWD, to, flags) < 0)
		rc = errno;
	if (rc == 0)
		return 0;
	snprintf(what, sizeof(what), "to %s%s", q->to,
		 rc == EXDEV ? ", which is another file system (cp copies)" : "");
	return fsd_problem(d, q->path, rc, what);
}

/* --- the process --- */

static void ignore_line(struct report *r, const char *text)
{
	(void)r;
	(void)text;
}

int fsd_answer(const struct fs_req *q)
{
	static int (*const ops[FS_OPS_END])(struct fsd * d) = {
		[FS_STAT] = stat_it, [FS_LIST] = fsd_list,     [FS_MKDIR] = make_folder,
		[FS_MOVE] = move,    [FS_REMOVE] = fsd_remove,
	};
	struct fsd d = { .report.line = ignore_line, .q = q, .at = DESCENT_NONE, .e = ERR_NONE };

	if (fileconn_open(&d.wire, &d.report, q->user, &d.e) == 0 && ops[q->op](&d) == 0)
		wire_say(&d.wire, FRAME_FS_DONE, NULL, 0, &d.e);
	fileconn_refuse(&d.wire, &d.e);
	descent_free(&d.at);
	return fileconn_close(&d.wire, &d.e);
}
