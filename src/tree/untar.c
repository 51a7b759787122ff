/*
 * untar - an archive as a tree's steps: a source that reads ustar, pax and GNU's long names.
 */
#include "tree/untar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/util.h"
#include "tree/block.h"
#include "tree/pax.h"
#include "tree/trail.h"
#include "tree/xattr.h"

enum {
	IN_ROOM = 256 * 1024,
	MORE_MAX = 1024 * 1024, /* bytes of a header that says more about the next */
	PATH_MOST = 64 * 1024,
};

/* What is known of the next member. */
struct member {
	struct trail path, target; /* owned; len 0: the block's own field */
	struct copy_entry entry;
	int has_size, has_mtime, has_uid, has_gid; /* said by a pax header */
	int is_sparse;				   /* in one of GNU's ways, which we do not read */
	char type;
};

struct untar {
	int fd;
	unsigned flags;
	struct sink *to;
	struct report *report;
	uint8_t *in; /* owned */
	size_t at, end;
	struct member m;
	uint8_t *xattrs;    /* owned */
	struct trail trail; /* the folder the sink is in, "" being the root */
};

static int no_memory(struct err *e)
{
	return err_set(e, -ENOMEM, "no memory to read the archive");
}

static int is_odd(struct err *e, const char *what)
{
	return err_set(e, -EPROTO, "the archive %s", what);
}

/* --- bytes --- */

/* More than nothing, at in + at. Their number; 0 at the end; negative with *e filled. */
static ssize_t have(struct untar *u, struct err *e)
{
	ssize_t n;

	if (u->at < u->end)
		return (ssize_t)(u->end - u->at);
	n = fd_read(u->fd, u->in, IN_ROOM);
	while (n == -EAGAIN) { /* what others share with us may be non-blocking */
		n = fd_read_all(u->fd, u->in, 1);
		n = n == -ENODATA ? 0 : n == 0 ? 1 : n;
	}
	if (n < 0)
		return err_set(e, (int)n, "read the archive: %s", strerror((int)-n));
	u->at = 0;
	u->end = (size_t)n;
	return n;
}

/* 1; 0: the end came before the first byte; negative with *e filled. */
static int read_exactly(struct untar *u, void *out, size_t len, struct err *e)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = have(u, e);

		if (n < 0)
			return (int)n;
		if (n == 0 && got == 0)
			return 0;
		if (n == 0)
			return is_odd(e, "ends in the middle");
		n = (ssize_t)MIN((size_t)n, len - got);
		memcpy((uint8_t *)out + got, u->in + u->at, (size_t)n);
		u->at += (size_t)n;
		got += (size_t)n;
	}
	return 1;
}

static uint64_t padding(uint64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* A member's bytes: to the sink, or with to NULL nowhere. */
static int pass(struct untar *u, uint64_t len, struct sink *to, struct err *e)
{
	while (len > 0) {
		struct copy_msg m = { .type = FRAME_COPY_DATA };
		ssize_t n = have(u, e);
		int rc;

		if (n <= 0)
			return n < 0 ? (int)n : is_odd(e, "ends in the middle of a file");
		n = (ssize_t)MIN((uint64_t)n, MIN(len, (uint64_t)COPY_CHUNK));
		m.data.at = u->in + u->at;
		m.data.len = (size_t)n;
		rc = to ? sink_take(to, &m, e) : 0;
		if (rc < 0)
			return rc;
		u->at += (size_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

/* --- what is said about a member --- */

static void forget(struct untar *u)
{
	struct trail path = u->m.path, target = u->m.target;

	trail_cut(&path, 0);
	trail_cut(&target, 0);
	u->m = (struct member){ .path = path, .target = target };
	u->m.entry.xattrs = u->xattrs;
}

/* As text[len], up to the first NUL. */
static int set_path(struct trail *t, const char *text, size_t len, struct err *e)
{
	char *copy;
	int rc;

	len = strnlen(text, len);
	if (len >= PATH_MOST)
		return is_odd(e, "has a name of more than 64 KiB");
	copy = strndup(text, len);
	trail_cut(t, 0);
	rc = copy ? trail_push(t, copy) : -ENOMEM;
	free(copy);
	return rc < 0 ? no_memory(e) : 0;
}

static int is_key(const struct pax_record *r, const char *key)
{
	return r->key_len == strlen(key) && !memcmp(r->key, key, r->key_len);
}

static int starts_with(const struct pax_record *r, const char *prefix)
{
	return r->key_len > strlen(prefix) && !memcmp(r->key, prefix, strlen(prefix));
}

/* As GNU tar writes "=" and "%". In place. */
static void decode_key(char *name)
{
	char *to = name;

	for (; *name; *to++ = *name++) {
		if (strncmp(name, "%3D", 3) && strncmp(name, "%25", 3))
			continue;
		name += 2;
		*name = *name == 'D' ? '=' : '%';
	}
	*to = '\0';
}

static void add_xattr(struct untar *u, const struct pax_record *r)
{
	char name[COPY_NAME_MAX + 1];
	size_t prefix = strlen("SCHILY.xattr."), len = r->key_len - prefix;
	struct copy_xattr x = { name, (const uint8_t *)r->value, r->len };

	if (len > COPY_NAME_MAX || r->len > COPY_XATTR_VALUE_MAX)
		return;
	memcpy(name, r->key + prefix, len);
	name[len] = '\0';
	if (strlen(name) != len)
		return;
	decode_key(name);
	if (xattr_is_wanted(name, u->flags))
		copy_xattr_add(u->xattrs, COPY_XATTRS_MAX, &u->m.entry.xattrs_len, &x);
}

static int take_record(struct untar *u, const struct pax_record *r, struct err *e)
{
	struct copy_entry *n = &u->m.entry;
	uint64_t v = 0;
	int rc = 0;

	if (is_key(r, "path"))
		return set_path(&u->m.path, r->value, r->len, e);
	if (is_key(r, "linkpath"))
		return set_path(&u->m.target, r->value, r->len, e);
	if (is_key(r, "size")) {
		rc = pax_number(&n->size, r);
		u->m.has_size = 1;
	} else if (is_key(r, "mtime")) {
		rc = pax_time(&n->mtime, &n->mtime_ns, r);
		u->m.has_mtime = 1;
	} else if (is_key(r, "uid") || is_key(r, "gid")) {
		rc = pax_number(&v, r);
		rc = v > UINT32_MAX ? -EPROTO : rc;
		*(r->key[0] == 'u' ? &n->uid : &n->gid) = (uint32_t)v;
		*(r->key[0] == 'u' ? &u->m.has_uid : &u->m.has_gid) = 1;
	} else if (starts_with(r, "SCHILY.xattr.")) {
		add_xattr(u, r);
	} else if (starts_with(r, "GNU.sparse.")) {
		u->m.is_sparse = 1;
	}
	return rc < 0 ? is_odd(e, "has a pax header with a bad number") : 0;
}

static int take_pax(struct untar *u, const char *text, size_t len, struct err *e)
{
	struct pax_record r;
	size_t at = 0;
	int rc;

	while ((rc = pax_next(&r, text, len, &at)) > 0)
		if ((rc = take_record(u, &r, e)) < 0)
			return rc;
	return rc < 0 ? is_odd(e, "has a broken pax header") : 0;
}

/* A header that says more about the next one. */
static int take_more(struct untar *u, char type, uint64_t size, struct err *e)
{
	char *text;
	int rc;

	if (type == TAR_PAX_GLOBAL) /* of whom it was made, and when: nothing that is a file's */
		return pass(u, size + padding(size), NULL, e);
	if (size > MORE_MAX)
		return is_odd(e, "has a header of more than 1 MiB");
	text = malloc(size + 1);
	if (!text)
		return no_memory(e);
	rc = size ? read_exactly(u, text, size, e) : 1;
	if (rc == 0)
		rc = is_odd(e, "ends in a header");
	if (rc > 0 && type == TAR_PAX)
		rc = take_pax(u, text, size, e);
	else if (rc > 0)
		rc = set_path(type == TAR_GNU_NAME ? &u->m.path : &u->m.target, text, size, e);
	free(text);
	return rc < 0 ? rc : pass(u, padding(size), NULL, e);
}

/* What the block says and nobody said before. */
static int take_block(struct untar *u, const struct tar_block *b, struct err *e)
{
	struct member *m = &u->m;
	int64_t mode = 0, uid = 0, gid = 0, size = 0, mtime = 0, maj = 0, min = 0;
	int rc = tar_get_number(&mode, b->mode, sizeof(b->mode)) |
		 tar_get_number(&uid, b->uid, sizeof(b->uid)) |
		 tar_get_number(&gid, b->gid, sizeof(b->gid)) |
		 tar_get_number(&size, b->size, sizeof(b->size)) |
		 tar_get_number(&mtime, b->mtime, sizeof(b->mtime));

	m->type = b->type == '\0' || b->type == TAR_CONTIGUOUS ? TAR_FILE : b->type;
	if (m->type == TAR_CHAR || m->type == TAR_BLOCKDEV)
		rc |= tar_get_number(&maj, b->major, sizeof(b->major)) |
		      tar_get_number(&min, b->minor, sizeof(b->minor));
	if (rc < 0 || size < 0 || uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX ||
	    maj < 0 || maj > UINT32_MAX || min < 0 || min > UINT32_MAX)
		return is_odd(e, "has a header with a bad number");
	m->entry.mode = (uint32_t)mode & 07777;
	m->entry.major = (uint32_t)maj;
	m->entry.minor = (uint32_t)min;
	if (!m->has_uid)
		m->entry.uid = (uint32_t)uid;
	if (!m->has_gid)
		m->entry.gid = (uint32_t)gid;
	if (!m->has_size)
		m->entry.size = (uint64_t)size;
	if (!m->has_mtime)
		m->entry.mtime = mtime;
	return 0;
}

static int take_names(struct untar *u, const struct tar_block *b, struct err *e)
{
	char path[sizeof(b->prefix) + 1 + sizeof(b->name) + 1];
	size_t prefix = memcmp(b->magic, "ustar\0", 6) ? 0 : strnlen(b->prefix, sizeof(b->prefix));
	size_t len = strnlen(b->name, sizeof(b->name));
	int rc = 0;

	memcpy(path, b->prefix, prefix);
	if (prefix > 0)
		path[prefix++] = '/';
	memcpy(path + prefix, b->name, len);
	if (u->m.path.len == 0)
		rc = set_path(&u->m.path, path, prefix + len, e);
	if (rc == 0 && u->m.target.len == 0)
		rc = set_path(&u->m.target, b->linkname, sizeof(b->linkname), e);
	return rc;
}

/* --- members --- */

/* In place: single slashes between steps, none at the ends, no ".". 0; or -EPROTO: a ".." or a
 * step that is too long. */
static int clean(struct trail *t)
{
	char *from = t->text, *to = t->text;

	while (from && *from) {
		size_t len = strcspn(from, "/");
		int is_dot = len == 1 && from[0] == '.';

		if (len > COPY_NAME_MAX || (len == 2 && from[0] == '.' && from[1] == '.'))
			return -EPROTO;
		if (len > 0 && !is_dot) {
			if (to > t->text)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len + (from[len] == '/');
	}
	trail_cut(t, t->text ? (size_t)(to - t->text) : 0);
	return 0;
}

static int up(struct untar *u, struct err *e)
{
	struct copy_msg m = { .type = FRAME_COPY_UP };

	trail_leave(&u->trail);
	return sink_take(u->to, &m, e);
}

/* The sink has gone into a folder. */
static int entered(struct untar *u, const char *name, struct err *e)
{
	return trail_enter(&u->trail, name) < 0 ? no_memory(e) : 0;
}

static int enter(struct untar *u, const char *name, struct err *e)
{
	struct copy_msg m = { .type = FRAME_COPY_ENTER, .text = name };
	int rc = sink_take(u->to, &m, e);

	return rc < 0 ? rc : entered(u, name, e);
}

/* Nonzero when the folder we are in is where the path begins. */
static int is_on_way(const struct untar *u, const char *path)
{
	size_t len = u->trail.len;

	return len == 0 || (strncmp(path, u->trail.text, len) == 0 && path[len] == '/');
}

/* Goes to the folder of a cleaned path; *name is then its last step, in `step`. */
static int go_to(struct untar *u, const char *path, char step[COPY_NAME_MAX + 1], struct err *e)
{
	const char *slash;
	int rc = 0;

	while (rc == 0 && !is_on_way(u, path))
		rc = up(u, e);
	path += u->trail.len + (u->trail.len > 0);
	for (; rc == 0 && (slash = strchr(path, '/')); path = slash + 1) {
		memcpy(step, path, (size_t)(slash - path));
		step[slash - path] = '\0';
		rc = enter(u, step, e);
	}
	if (rc == 0)
		memcpy(step, path, strlen(path) + 1);
	return rc;
}

static uint32_t mode_of(char type)
{
	switch (type) {
	case TAR_FILE:
		return S_IFREG;
	case TAR_DIR:
		return S_IFDIR;
	case TAR_SYMLINK:
		return S_IFLNK;
	case TAR_CHAR:
		return S_IFCHR;
	case TAR_BLOCKDEV:
		return S_IFBLK;
	case TAR_FIFO:
		return S_IFIFO;
	}
	return 0;
}

static int send_link(struct untar *u, const char *name, struct err *e)
{
	struct copy_msg m = { .type = FRAME_COPY_LINK, .link = { .name = name } };

	if (clean(&u->m.target) < 0 || u->m.target.len == 0) {
		report_problem(u->report, trail_text(&u->m.path), "leads out of the archive");
		return 0;
	}
	m.link.target = trail_text(&u->m.target);
	return sink_take(u->to, &m, e);
}

static int send_member(struct untar *u, const char *name, struct err *e)
{
	struct copy_msg m = { .type = FRAME_COPY_ENTRY, .entry = u->m.entry };
	struct copy_msg eof = { .type = FRAME_COPY_EOF, .whole = 1 };
	uint64_t size = u->m.entry.size;
	int rc;

	m.entry.name = name;
	m.entry.mode |= mode_of(u->m.type);
	m.entry.target = u->m.type == TAR_SYMLINK ? trail_text(&u->m.target) : "";
	if (u->m.type != TAR_FILE)
		m.entry.size = 0;
	rc = sink_take(u->to, &m, e);
	if (rc == 0 && u->m.type == TAR_DIR)
		rc = entered(u, name, e);
	if (rc < 0 || u->m.type != TAR_FILE)
		return rc;
	rc = pass(u, size, u->to, e);
	u->m.entry.size = 0; /* it is read */
	if (rc == 0)
		rc = pass(u, padding(size), NULL, e);
	return rc < 0 ? rc : sink_take(u->to, &eof, e);
}

/* Why a member cannot be had; NULL when it can. Cleans its path. */
static const char *why_not(struct member *m)
{
	if (clean(&m->path) < 0)
		return "has .. or too long a name in it";
	if (m->type != TAR_LINK && !mode_of(m->type))
		return "is of a kind that is not known here";
	if (m->is_sparse)
		return "is in GNU's sparse format; make the archive without --sparse";
	if (m->type == TAR_SYMLINK && (m->target.len == 0 || m->target.len >= COPY_TARGET_MAX))
		return "is a symbolic link that leads nowhere";
	return NULL;
}

static size_t depth_of(const char *path)
{
	size_t depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

/* One whose path and everything else is known. What follows the block is read. */
static int take_member(struct untar *u, struct err *e)
{
	struct member *m = &u->m;
	size_t len = m->path.len;
	char step[COPY_NAME_MAX + 1];
	const char *why;
	int rc = 0;

	/* Before pax, a slash said what is a folder. */
	if (m->type == TAR_FILE && len > 0 && m->path.text[len - 1] == '/')
		m->type = TAR_DIR;
	why = why_not(m);
	if (!why && depth_of(trail_text(&m->path)) >= COPY_DEPTH_MAX - 1)
		why = "is too deep";
	if (why)
		report_problem(u->report, trail_text(&m->path), "%s", why);
	else if (m->path.len > 0) /* else the root, which keeps what it has */
		rc = go_to(u, trail_text(&m->path), step, e);
	if (rc == 0 && !why && m->path.len > 0)
		rc = m->type == TAR_LINK ? send_link(u, step, e) : send_member(u, step, e);
	/* The others may have a size too, but no bytes; of an unknown kind nobody can know. */
	if (rc < 0 || (m->type != TAR_FILE && (mode_of(m->type) || m->type == TAR_LINK)))
		return rc;
	return pass(u, m->entry.size + padding(m->entry.size), NULL, e);
}

/* --- the archive --- */

static int is_more(char type)
{
	return type == TAR_PAX || type == TAR_PAX_GLOBAL || type == TAR_GNU_NAME ||
	       type == TAR_GNU_LINK;
}

static int take_header(struct untar *u, const struct tar_block *b, struct err *e)
{
	int64_t sum, size;
	int rc;

	if (tar_get_number(&sum, b->sum, sizeof(b->sum)) < 0 || (uint64_t)sum != tar_sum(b))
		return is_odd(e, "has a header whose checksum is wrong: is it a tar archive, and "
				 "not compressed?");
	if (b->type == TAR_GNU_SPARSE)
		return is_odd(e, "is in GNU's old sparse format: make it without --sparse");
	if (is_more(b->type)) {
		if (tar_get_number(&size, b->size, sizeof(b->size)) < 0 || size < 0)
			return is_odd(e, "has a header with a bad number");
		return take_more(u, b->type, (uint64_t)size, e);
	}
	rc = take_block(u, b, e);
	if (rc == 0)
		rc = take_names(u, b, e);
	if (rc == 0)
		rc = take_member(u, e);
	forget(u);
	return rc;
}

static int is_zero(const struct tar_block *b)
{
	const uint8_t *at = (const uint8_t *)b;

	return at[0] == 0 && memcmp(at, at + 1, sizeof(*b) - 1) == 0;
}

/* What is behind the end mark is the writer's padding: taken, so that it meets no closed pipe. */
static int drain(struct untar *u, struct err *e)
{
	ssize_t n;

	while ((n = have(u, e)) > 0)
		u->at = u->end;
	return (int)n;
}

static int untar_all(struct untar *u, struct err *e)
{
	struct copy_msg root = { .type = FRAME_COPY_ROOT, .root = { "", 1 } };
	struct copy_msg enter_root = { .type = FRAME_COPY_ENTER, .text = "root" };
	struct copy_msg leave_root = { .type = FRAME_COPY_UP };
	struct tar_block b;
	int rc, first = 1;

	rc = sink_take(u->to, &root, e);
	if (rc == 0)
		rc = sink_take(u->to, &enter_root, e);
	for (; rc == 0; first = 0) {
		rc = read_exactly(u, &b, sizeof(b), e);
		if (rc == 0 && first)
			rc = is_odd(e, "is empty");
		if (rc <= 0 || is_zero(&b))
			break;
		rc = take_header(u, &b, e);
	}
	if (rc > 0)
		rc = drain(u, e);
	while (rc == 0 && u->trail.depth > 0)
		rc = up(u, e);
	return rc < 0 ? rc : sink_take(u->to, &leave_root, e);
}

int untar(int fd, unsigned flags, struct sink *to, struct report *r, struct err *e)
{
	struct untar u = { .fd = fd, .flags = flags, .to = to, .report = r };
	int rc;

	u.in = malloc(IN_ROOM);
	u.xattrs = malloc(COPY_XATTRS_MAX);
	forget(&u);
	rc = u.in && u.xattrs ? untar_all(&u, e) : no_memory(e);
	trail_free(&u.m.path);
	trail_free(&u.m.target);
	trail_free(&u.trail);
	free(u.in);
	free(u.xattrs);
	return rc;
}
