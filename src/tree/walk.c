/*
 * walk - a tree of the file system as steps: the source of a copy.
 */
#include "tree/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "tree/descent.h"
#include "tree/seen.h"
#include "tree/xattr.h"

enum { HELD_MAX = 64 }; /* descriptors of folders that were left through a symbolic link */

struct walk {
	unsigned flags;
	struct sink *to;
	struct report *report;
	struct descent at; /* each level has the names that are still to be sent */
	size_t root_len;   /* of the trail as far as it is outside the tree */
	const char *root_name;
	struct seen seen;
	uint8_t *chunk, *xattrs; /* owned */
};

int walk_base(const char *path, char *out, int *contents)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	if (end - start > COPY_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(out, path + start, end - start);
	out[end - start] = '\0';
	*contents = !strcmp(out, ".") || !strcmp(out, "..") || !out[0] || !strcmp(out, "/");
	if (!copy_name_is_valid(out))
		out[0] = '\0';
	return 0;
}

/* The names in a folder, sorted. 0 or a negative errno, what was read then being the owner's to
 * free. */
static int names_read(struct listing *n, int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		rc = -errno;
		fd_close(&fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			rc = listing_add(n, d->d_name);
	if (rc == 0 && errno)
		rc = -errno;
	closedir(dir);
	listing_sort(n);
	return rc;
}

static int no_memory(struct err *e)
{
	return err_set(e, -ENOMEM, "no memory to walk the tree");
}

static void problem(struct walk *w, const char *name, const char *why)
{
	size_t len = w->at.trail.len;
	int has_path = trail_push(&w->at.trail, name) == 0;

	report_problem(w->report, has_path ? trail_text(&w->at.trail) : name, "%s", why);
	trail_cut(&w->at.trail, len);
}

static struct copy_msg entry_of(const struct walk *w, const char *name, const struct stat *st)
{
	int is_device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

	return (struct copy_msg){
		.type = FRAME_COPY_ENTRY,
		.entry = {
			.name = w->at.depth ? name : w->root_name,
			.mode = st->st_mode & (S_IFMT | 07777),
			.uid = st->st_uid,
			.gid = st->st_gid,
			.mtime = st->st_mtim.tv_sec,
			.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
			.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
			.major = is_device ? major(st->st_rdev) : 0,
			.minor = is_device ? minor(st->st_rdev) : 0,
			.target = "",
		},
	};
}

static int send_entry(struct walk *w, const char *name, int fd, const struct stat *st,
		      struct err *e)
{
	struct copy_msg m = entry_of(w, name, st);

	if (xattr_read(fd, w->flags, w->xattrs, &m.entry.xattrs_len) < 0)
		problem(w, name, "its extended attributes cannot be read");
	m.entry.xattrs = w->xattrs;
	return sink_take(w->to, &m, e);
}

/* --- files --- */

/* One file as it is read. */
struct reading {
	int fd;
	off_t at;
	off_t end;   /* of what is copied; what grows behind it is not */
	int endless; /* it has no size, as in /proc: until nothing more comes */
};

/* Up to `until`. 1; 0: the file ends before, or cannot be read, errno being 0 or why; negative:
 * the sink said no. */
static int send_data(struct walk *w, struct reading *f, off_t until, struct err *e)
{
	while (f->at < until || f->endless) {
		size_t want = f->endless ? COPY_CHUNK : (size_t)MIN(until - f->at, COPY_CHUNK);
		ssize_t n = fd_read(f->fd, w->chunk, want);
		struct copy_msg m = { .type = FRAME_COPY_DATA };
		int rc;

		if (n == 0 && f->endless)
			return 1;
		if (n <= 0) {
			errno = (int)-n;
			return 0;
		}
		m.data.at = w->chunk;
		m.data.len = (size_t)n;
		rc = sink_take(w->to, &m, e);
		if (rc < 0)
			return rc;
		f->at += n;
	}
	return 1;
}

static int send_hole(struct walk *w, off_t len, struct err *e)
{
	struct copy_msg m = { .type = FRAME_COPY_HOLE, .hole = (uint64_t)len };

	return len > 0 ? sink_take(w->to, &m, e) : 0;
}

/* As send_data(), holes staying holes. A file system that knows none says it is all data. */
static int send_islands(struct walk *w, struct reading *f, struct err *e)
{
	struct stat now;
	int rc = 1;

	while (rc > 0 && f->at < f->end) {
		off_t data = lseek(f->fd, f->at, SEEK_DATA), hole;

		if (data < 0)
			data = errno == ENXIO ? f->end : f->at;
		data = MIN(data, f->end);
		hole = lseek(f->fd, data, SEEK_HOLE);
		hole = hole < 0 ? f->end : MIN(hole, f->end);
		rc = send_hole(w, data - f->at, e);
		if (rc < 0)
			return rc;
		f->at = lseek(f->fd, data, SEEK_SET);
		rc = send_data(w, f, hole, e);
	}
	errno = 0;
	/* What was cut off meanwhile looks like a hole. */
	return rc > 0 && fstat(f->fd, &now) == 0 && now.st_size < f->end ? 0 : rc;
}

static int send_contents(struct walk *w, const char *name, int fd, const struct stat *st,
			 struct err *e)
{
	struct reading f = { .fd = fd, .end = st->st_size, .endless = st->st_size == 0 };
	struct copy_msg eof = { .type = FRAME_COPY_EOF };
	int may_have_holes = st->st_blocks < st->st_size / 512;
	int rc = may_have_holes ? send_islands(w, &f, e) : send_data(w, &f, f.end, e);

	if (rc < 0)
		return rc;
	if (rc == 0)
		problem(w, name, errno ? strerror(errno) : "became shorter while it was read");
	eof.whole = (uint8_t)rc;
	return sink_take(w->to, &eof, e);
}

/* The path of a name from the root of the tree. */
static const char *inside(const struct walk *w)
{
	const char *path = trail_text(&w->at.trail) + w->root_len;

	return path + strspn(path, "/");
}

/* Is it a further name of what was sent before? 1: it is sent; 0: no; negative. */
static int send_link(struct walk *w, const char *name, const struct stat *st, struct err *e)
{
	struct copy_msg m = { .type = FRAME_COPY_LINK, .link = { .name = name } };
	size_t len = w->at.trail.len;
	int known = 0;

	if (st->st_nlink < 2 || w->at.depth == 0)
		return 0;
	if (trail_push(&w->at.trail, name) < 0)
		return no_memory(e);
	if (strlen(inside(w)) < COPY_LINK_MAX)
		known = seen_find(&w->seen, st->st_dev, st->st_ino, inside(w), &m.link.target);
	trail_cut(&w->at.trail, len);
	if (known < 0)
		return no_memory(e);
	return known && sink_take(w->to, &m, e) < 0 ? e->code : known;
}

static int send_file(struct walk *w, const char *name, struct err *e)
{
	int nofollow = w->flags & COPY_FOLLOW ? 0 : O_NOFOLLOW;
	int fd = openat(w->at.dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | nofollow);
	struct stat st;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		problem(w, name, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		problem(w, name, "was replaced while it was looked at");
	} else {
		rc = send_link(w, name, &st, e);
		if (rc == 0 && (rc = send_entry(w, name, fd, &st, e)) == 0)
			rc = send_contents(w, name, fd, &st, e);
	}
	fd_close(&fd);
	return MIN(rc, 0);
}

/* --- what is neither file nor folder --- */

static int send_other(struct walk *w, const char *name, const struct stat *st, struct err *e)
{
	struct copy_msg m = entry_of(w, name, st);
	char target[COPY_TARGET_MAX];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(w->at.dir, name, target, sizeof(target));
		if (n < 0 || n == sizeof(target)) {
			problem(w, name, strerror(n < 0 ? errno : ENAMETOOLONG));
			return 0;
		}
		target[n] = '\0';
		m.entry.target = target;
	}
	return sink_take(w->to, &m, e);
}

/* --- folders --- */

/* A folder about to be entered. */
struct folder {
	int fd; /* owned, as the names are */
	int by_link;
	struct stat st;
	struct listing names;
};

static void folder_close(struct folder *f)
{
	fd_close(&f->fd);
	listing_free(&f->names);
}

/* 0; or a sentence's end. */
static const char *folder_open(struct walk *w, struct folder *f, const char *name)
{
	int nofollow = f->by_link ? 0 : O_NOFOLLOW, rc;

	f->fd = openat(w->at.dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow);
	if (f->fd < 0 || fstat(f->fd, &f->st) < 0)
		return strerror(errno);
	if (descent_is_inside(&w->at, &f->st))
		return "leads back to a folder it is in";
	if (w->at.depth == COPY_DEPTH_MAX || (f->by_link && w->at.held == HELD_MAX))
		return "is too deep";
	rc = names_read(&f->names, f->fd);
	return rc < 0 ? strerror(-rc) : NULL;
}

/* Takes over what the folder owns. */
static int enter(struct walk *w, const char *name, struct folder *f, struct err *e)
{
	if (descent_enter(&w->at, name, f->fd, &f->st, &f->names, f->by_link) < 0)
		return no_memory(e);
	if (w->at.depth == 1)
		w->root_len = w->at.trail.len;
	return 0;
}

static int send_dir(struct walk *w, const char *name, int by_link, struct err *e)
{
	struct folder f = { .fd = -1, .by_link = by_link };
	const char *why = folder_open(w, &f, name);
	int rc;

	if (why) {
		problem(w, name, why);
		folder_close(&f);
		return 0;
	}
	rc = send_entry(w, name, f.fd, &f.st, e);
	if (rc < 0) {
		folder_close(&f);
		return rc;
	}
	return enter(w, name, &f, e);
}

static int leave(struct walk *w, struct err *e)
{
	struct copy_msg up = { .type = FRAME_COPY_UP };
	int rc = descent_leave(&w->at);

	if (rc < 0)
		return err_set(e, rc, "%s: was moved while it was copied",
			       trail_text(&w->at.trail));
	return sink_take(w->to, &up, e);
}

static int visit(struct walk *w, const char *name, struct err *e)
{
	int follow = w->flags & COPY_FOLLOW, by_link;
	struct stat st;
	int rc = fstatat(w->at.dir, name, &st, AT_SYMLINK_NOFOLLOW);

	by_link = rc == 0 && S_ISLNK(st.st_mode) && follow;
	if (by_link)
		rc = fstatat(w->at.dir, name, &st, 0);
	if (rc < 0) {
		problem(w, name, strerror(errno));
		return 0;
	}
	if (S_ISREG(st.st_mode))
		return send_file(w, name, e);
	if (S_ISDIR(st.st_mode))
		return send_dir(w, name, by_link, e);
	return send_other(w, name, &st, e);
}

static int walk_on(struct walk *w, const char *path, struct err *e)
{
	int rc = visit(w, path, e);

	while (rc == 0 && w->at.depth > 0) {
		const char *name = listing_next(&descent_here(&w->at)->names);

		rc = name ? visit(w, name, e) : leave(w, e);
	}
	return rc;
}

static void walk_free(struct walk *w)
{
	descent_free(&w->at);
	free(w->chunk);
	free(w->xattrs);
	seen_free(&w->seen);
}

int walk(const char *path, unsigned flags, struct sink *to, struct report *r, struct err *e)
{
	struct walk w = { .flags = flags, .to = to, .report = r, .at = DESCENT_NONE };
	char base[COPY_NAME_MAX + 1];
	struct copy_msg root = { .type = FRAME_COPY_ROOT, .root.name = base };
	int contents, rc;

	rc = walk_base(path, base, &contents);
	if (rc < 0)
		return err_set(e, rc, "%s: %s", path, strerror(-rc));
	root.root.contents = (uint8_t)contents;
	w.root_name = base[0] ? base : "root";
	w.chunk = malloc(COPY_CHUNK);
	w.xattrs = malloc(COPY_XATTRS_MAX);
	rc = w.chunk && w.xattrs ? sink_take(to, &root, e) : no_memory(e);
	if (rc == 0)
		rc = walk_on(&w, path, e);
	walk_free(&w);
	return rc;
}
