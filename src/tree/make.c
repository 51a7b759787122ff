/*
 * make - a tree is made in the file system: the sink at the end of a copy.
 */
#include "tree/make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "tree/place.h"

enum { HELD_MAX = 16 << 20 }; /* bytes of xattrs that wait for their folders to be left */

/* A folder we are in. */
struct make_level {
	dev_t dev;
	ino_t ino;
	size_t trail_len; /* of the path of the folder outside */
	int has_meta;	  /* it gets these when it is left */
	struct meta meta;
};

/* What ends the copy and is not about one file. */
static int is_fatal(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT || rc == -EROFS || rc == -ENOMEM;
}

/* 0, the file being reported; or negative with *e filled. */
static int fail(struct make *m, const char *name, int rc, const char *why, struct err *e)
{
	size_t len = m->trail.len;
	int has_path = strcmp(name, ".") != 0 && trail_push(&m->trail, name) == 0;
	const char *path = has_path || len ? trail_text(&m->trail) : name;

	if (is_fatal(rc))
		err_set(e, rc, "%s: %s", path, why);
	else
		report_problem(m->report, path, "%s", why);
	trail_cut(&m->trail, len);
	return is_fatal(rc) ? rc : 0;
}

static int fail_sys(struct make *m, const char *name, int rc, struct err *e)
{
	return fail(m, name, rc, strerror(-rc), e);
}

/* --- the root --- */

static int take_root(struct make *m, const struct copy_msg *msg, struct err *e)
{
	if (m->dir >= 0)
		return sink_out_of_order(e);
	m->root = m->as ? *m->as : msg->root;
	snprintf(m->root_name, sizeof(m->root_name), "%s", m->root.name);
	m->root.name = m->root_name;
	m->has_root = 1;
	return 0;
}

/* The path of the folder the root goes into, as a person would say it. */
static int begin_trail(struct make *m, const struct place *p)
{
	int rc = trail_push(&m->trail, m->dst);
	size_t len = m->trail.len;

	if (rc < 0 || p->is_inside)
		return rc;
	while (len > 1 && m->dst[len - 1] == '/')
		len--;
	while (len > 0 && m->dst[len - 1] != '/')
		len--;
	trail_cut(&m->trail, len);
	return 0;
}

/* The first entry of a tree: only now it is known what it is. Its name becomes the one it is to
 * have, borrowed from *p; that of every other entry stays. */
static int begin(struct make *m, const char **name, int is_folder, struct place *p, struct err *e)
{
	int rc;

	if (m->dir >= 0)
		return 0;
	if (!m->has_root)
		return sink_out_of_order(e);
	m->has_root = 0;
	rc = place_find(p, m->dst, m->flags, &m->root, is_folder, e);
	if (rc < 0)
		return rc;
	m->dir = p->dir;
	*name = p->name;
	return begin_trail(m, p) < 0 ? err_set(e, -ENOMEM, "no memory for a path") : 0;
}

/* A tree that was one file, or whose root folder is left. */
static void end_if_outside(struct make *m)
{
	if (m->depth > 0 || m->skipped > 0)
		return;
	fd_close(&m->dir);
	fd_close(&m->top);
	trail_cut(&m->trail, 0);
}

/* --- folders --- */

static int grow(struct make *m)
{
	size_t room = m->room ? 2 * m->room : 16;
	struct make_level *levels;

	if (m->depth < m->room)
		return 0;
	levels = realloc(m->levels, room * sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	m->levels = levels;
	m->room = room;
	return 0;
}

/* The folder by this name, made if it is not there. Its descriptor or a negative errno. */
static int folder_open(const struct make *m, const char *name, mode_t mode, int *is_new)
{
	int fd;

	*is_new = mkdirat(m->dir, name, mode) == 0;
	if (!*is_new && errno != EEXIST)
		return -errno;
	fd = openat(m->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static const char *folder_why(int rc)
{
	return rc == -ENOTDIR || rc == -ELOOP ? "is there, and is not a folder" : strerror(-rc);
}

/* What it is to have when it is left. A folder that was there keeps its own, unless asked. */
static int level_meta(struct make *m, struct make_level *l, const char *name, int is_new,
		      const struct copy_entry *n)
{
	l->has_meta = n && (is_new || (m->flags & COPY_ARCHIVE && strcmp(name, ".")));
	if (!l->has_meta)
		return 0;
	if (m->held + n->xattrs_len > HELD_MAX)
		return -E2BIG;
	m->held += n->xattrs_len;
	return meta_keep(&l->meta, n);
}

static void level_free(struct make *m, struct make_level *l)
{
	m->held -= l->meta.xattrs_len;
	meta_free(&l->meta);
}

/* Goes into it. n is NULL when nothing is known of it. 0 or a negative errno. */
static int enter(struct make *m, const char *name, const struct copy_entry *n)
{
	struct make_level l = { .trail_len = m->trail.len };
	int is_new, rc, fd;
	struct stat st;

	if (m->depth == COPY_DEPTH_MAX)
		return -ENAMETOOLONG;
	if (grow(m) < 0)
		return -ENOMEM;
	fd = folder_open(m, name, n ? 0700 : 0777, &is_new);
	if (fd < 0)
		return fd;
	rc = fstat(fd, &st) < 0 ? -errno : level_meta(m, &l, name, is_new, n);
	if (rc == 0 && m->depth == 0)
		rc = m->top = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (rc >= 0 && strcmp(name, "."))
		rc = trail_push(&m->trail, name);
	if (rc < 0) {
		level_free(m, &l);
		fd_close(&fd);
		return rc;
	}
	l.dev = st.st_dev;
	l.ino = st.st_ino;
	m->levels[m->depth++] = l;
	fd_close(&m->dir);
	m->dir = fd;
	return 0;
}

/* Goes into it, or past it and all that is in it. */
static int try_enter(struct make *m, const char *name, const struct copy_entry *n, struct err *e)
{
	int rc = enter(m, name, n);

	if (rc == 0)
		return 0;
	m->skipped = 1;
	return fail(m, name, rc, folder_why(rc), e);
}

/* The folder outside; the very same, or nothing is certain any more. Its descriptor, or negative
 * with *e filled. */
static int open_outside(struct make *m, struct err *e)
{
	const struct make_level *outside = &m->levels[m->depth - 2];
	int fd = openat(m->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == outside->dev &&
	    st.st_ino == outside->ino)
		return fd;
	fd_close(&fd);
	return err_set(e, -ESTALE, "%s: was moved while it was copied", trail_text(&m->trail));
}

static int take_up(struct make *m, const struct copy_msg *msg, struct err *e)
{
	struct make_level *l;
	int outside = -1;

	(void)msg;
	if (m->skipped > 0) {
		m->skipped--;
		end_if_outside(m);
		return 0;
	}
	if (m->depth == 0)
		return sink_out_of_order(e);
	l = &m->levels[m->depth - 1];
	/* First: with its own permissions on it, it may be no way out any more. */
	if (m->depth > 1 && (outside = open_outside(m, e)) < 0)
		return outside;
	if (l->has_meta)
		meta_apply(&l->meta, m->dir, m->flags, m->report, trail_text(&m->trail));
	if (m->flags & COPY_SYNC && fsync(m->dir) < 0)
		report_sys(m->report, trail_text(&m->trail), "sync");
	level_free(m, l);
	fd_close(&m->dir);
	m->dir = outside;
	trail_cut(&m->trail, l->trail_len);
	m->depth--;
	end_if_outside(m);
	return 0;
}

static int take_enter(struct make *m, const struct copy_msg *msg, struct err *e)
{
	const char *name = msg->text;
	struct place p;
	int rc;

	if (m->skipped > 0) {
		m->skipped++;
		return 0;
	}
	rc = begin(m, &name, 1, &p, e);
	return rc < 0 ? rc : try_enter(m, name, NULL, e);
}

/* --- files --- */

static int begin_file(struct make *m, const char *name, const struct copy_entry *n, struct err *e)
{
	int rc;

	m->is_writing = 1;
	snprintf(m->name, sizeof(m->name), "%s", name);
	rc = meta_keep(&m->meta, n);
	if (rc == 0)
		rc = draft_open(&m->draft, m->dir, name);
	return rc < 0 ? fail_sys(m, name, rc, e) : 0;
}

/* The file is not to be had: what still comes of it goes nowhere. */
static int drop_file(struct make *m, int rc, struct err *e)
{
	draft_close(&m->draft);
	return fail_sys(m, m->name, rc, e);
}

static int take_data(struct make *m, const struct copy_msg *msg, struct err *e)
{
	int rc;

	if (m->draft.fd < 0)
		return 0;
	rc = draft_write(&m->draft, msg->data.at, msg->data.len);
	return rc < 0 ? drop_file(m, rc, e) : 0;
}

static int take_hole(struct make *m, const struct copy_msg *msg, struct err *e)
{
	int rc;

	if (m->draft.fd < 0)
		return 0;
	rc = draft_hole(&m->draft, msg->hole);
	return rc < 0 ? drop_file(m, rc, e) : 0;
}

static int finish_file(struct make *m)
{
	size_t len = m->trail.len;
	int fd = m->draft.fd, rc;

	rc = trail_push(&m->trail, m->name);
	if (rc < 0)
		return rc;
	meta_apply(&m->meta, fd, m->flags, m->report, trail_text(&m->trail));
	trail_cut(&m->trail, len);
	if (m->flags & COPY_SYNC && fsync(fd) < 0)
		return -errno;
	rc = draft_name(&m->draft, m->name);
	/* A folder of the tree is synced when it is left. */
	if (rc == 0 && m->depth == 0 && m->flags & COPY_SYNC && fsync(m->dir) < 0)
		rc = -errno;
	return rc;
}

static int take_eof(struct make *m, const struct copy_msg *msg, struct err *e)
{
	int rc = 0;

	if (m->draft.fd >= 0 && msg->whole)
		rc = finish_file(m);
	draft_close(&m->draft);
	meta_free(&m->meta);
	m->is_writing = 0;
	if (rc < 0)
		rc = fail_sys(m, m->name, rc, e);
	end_if_outside(m);
	return rc;
}

/* --- what is neither file nor folder --- */

/* Both are called for what is not a file, and make it under m->draft.temp. */
struct making {
	struct make *m;
	const char *name;
	const struct copy_entry *entry; /* or, for a further name, */
	const char *first;		/* a name the file has, */
	int first_dir;			/* and where */
};

static int make_node(void *arg)
{
	const struct making *x = arg;
	const struct copy_entry *n = x->entry;
	struct make *m = x->m;
	struct meta meta = { n->mode, n->uid, n->gid, n->mtime, n->mtime_ns, NULL, 0 };
	const char *temp = m->draft.temp;
	size_t len = m->trail.len;

	if ((S_ISLNK(n->mode) ? symlinkat(n->target, m->dir, temp)
			      : mknodat(m->dir, temp, n->mode, makedev(n->major, n->minor))) < 0)
		return -1;
	if (trail_push(&m->trail, x->name) == 0)
		meta_apply_at(&meta, m->dir, temp, m->flags, m->report, trail_text(&m->trail));
	trail_cut(&m->trail, len);
	return 0;
}

static int make_other(struct make *m, const char *name, const struct copy_entry *n, struct err *e)
{
	int is_device = S_ISCHR(n->mode) || S_ISBLK(n->mode), rc;
	struct making x = { .m = m, .name = name, .entry = n };

	if (is_device && !(m->flags & COPY_ARCHIVE))
		return fail(m, name, -EPERM, "is a device, which only --archive copies", e);
	rc = temp_replace(m->draft.temp, m->dir, name, make_node, &x);
	if (rc == -EPERM && is_device)
		return fail(m, name, rc, "is a device, which only root makes", e);
	return rc < 0 ? fail_sys(m, name, rc, e) : 0;
}

/* --- entries --- */

static int take_entry(struct make *m, const struct copy_msg *msg, struct err *e)
{
	const struct copy_entry *n = &msg->entry;
	const char *name = n->name;
	struct place p;
	int rc;

	if (m->skipped > 0) {
		m->skipped += S_ISDIR(n->mode);
		m->is_writing = S_ISREG(n->mode);
		return 0;
	}
	rc = begin(m, &name, S_ISDIR(n->mode), &p, e);
	if (rc < 0)
		return rc;
	if (S_ISDIR(n->mode))
		return try_enter(m, name, n, e);
	if (S_ISREG(n->mode))
		return begin_file(m, name, n, e);
	rc = make_other(m, name, n, e);
	end_if_outside(m);
	return rc;
}

/* The folder a path of steps leads to from the root, *last being its last step. A descriptor of
 * the caller's, or a negative errno. */
static int follow_steps(const struct make *m, const char *path, const char **last)
{
	int fd = fcntl(m->top, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	while (fd >= 0 && (slash = strchr(path, '/'))) {
		char step[COPY_NAME_MAX + 1];
		int next;

		snprintf(step, sizeof(step), "%.*s", (int)(slash - path), path);
		next = openat(fd, step, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			next = -errno;
		fd_close(&fd);
		fd = next;
		path = slash + 1;
	}
	*last = path;
	return fd == -1 ? -errno : fd;
}

static int make_name(void *arg)
{
	const struct making *x = arg;

	return linkat(x->first_dir, x->first, x->m->dir, x->m->draft.temp, 0);
}

static int make_link(struct make *m, const struct copy_link *l)
{
	struct making x = { .m = m, .name = l->name };
	int rc;

	x.first_dir = follow_steps(m, l->target, &x.first);
	if (x.first_dir < 0)
		return x.first_dir;
	rc = temp_replace(m->draft.temp, m->dir, l->name, make_name, &x);
	fd_close(&x.first_dir);
	return rc;
}

static int take_link(struct make *m, const struct copy_msg *msg, struct err *e)
{
	int rc;

	if (m->skipped > 0)
		return 0;
	if (m->depth == 0)
		return sink_out_of_order(e);
	rc = make_link(m, &msg->link);
	return rc < 0 ? fail_sys(m, msg->link.name, rc, e) : 0;
}

static int make_take(struct sink *s, const struct copy_msg *msg, struct err *e)
{
	static int (*const takes[SINK_STEPS])(struct make * m, const struct copy_msg *msg,
					      struct err *e) = {
		[FRAME_COPY_ROOT - FRAME_COPY_ROOT] = take_root,
		[FRAME_COPY_ENTRY - FRAME_COPY_ROOT] = take_entry,
		[FRAME_COPY_LINK - FRAME_COPY_ROOT] = take_link,
		[FRAME_COPY_ENTER - FRAME_COPY_ROOT] = take_enter,
		[FRAME_COPY_UP - FRAME_COPY_ROOT] = take_up,
		[FRAME_COPY_DATA - FRAME_COPY_ROOT] = take_data,
		[FRAME_COPY_HOLE - FRAME_COPY_ROOT] = take_hole,
		[FRAME_COPY_EOF - FRAME_COPY_ROOT] = take_eof,
	};
	struct make *m = CONTAINER(s, struct make, sink);

	if (!sink_is_in_order(msg, m->is_writing))
		return sink_out_of_order(e);
	return takes[msg->type - FRAME_COPY_ROOT](m, msg, e);
}

void make_open(struct make *m, const char *dst, unsigned flags, struct report *r)
{
	*m = (struct make){
		.sink.take = make_take,
		.flags = flags,
		.dst = dst,
		.report = r,
		.dir = -1,
		.top = -1,
		.draft = DRAFT_NONE,
	};
}

void make_close(struct make *m)
{
	draft_close(&m->draft);
	meta_free(&m->meta);
	while (m->depth > 0)
		meta_free(&m->levels[--m->depth].meta);
	free(m->levels);
	m->levels = NULL;
	trail_free(&m->trail);
	fd_close(&m->dir);
	fd_close(&m->top);
}

void make_abandon(const struct make *m)
{
	if (m->draft.temp[0])
		unlinkat(m->dir, m->draft.temp, 0);
}
