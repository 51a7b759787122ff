/*
 * tar - a tree as an archive: a sink that writes a POSIX pax stream.
 */
#include "tree/tar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/util.h"
#include "tree/block.h"
#include "tree/pax.h"

enum { OUT_ROOM = 256 * 1024 };

static int no_memory(struct err *e)
{
	return err_set(e, -ENOMEM, "no memory for an archive's header");
}

/* --- bytes --- */

static int flush(struct tar *t, struct err *e)
{
	int rc = fd_write_all(t->fd, t->out, t->out_len);

	t->out_len = 0;
	return rc < 0 ? err_set(e, rc, "write the archive: %s", strerror(-rc)) : 0;
}

/* data NULL: zeros. */
static int put(struct tar *t, const void *data, uint64_t len, struct err *e)
{
	const uint8_t *from = data;

	while (len > 0) {
		size_t n = (size_t)MIN(len, OUT_ROOM - t->out_len);
		int rc;

		if (from)
			memcpy(t->out + t->out_len, from, n);
		else
			memset(t->out + t->out_len, 0, n);
		t->out_len += n;
		from = from ? from + n : NULL;
		len -= n;
		rc = t->out_len == OUT_ROOM ? flush(t, e) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int pad(struct tar *t, uint64_t size, struct err *e)
{
	return put(t, NULL, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK, e);
}

/* --- headers --- */

static int put_block(struct tar *t, struct tar_block *b, struct err *e)
{
	memcpy(b->magic, "ustar\00000", sizeof(b->magic));
	tar_put_number(b->sum, sizeof(b->sum) - 1, tar_sum(b));
	b->sum[7] = ' ';
	return put(t, b, sizeof(*b), e);
}

/* A header that says more about the next one. */
static int put_more(struct tar *t, char type, const char *name, const void *data, size_t len,
		    struct err *e)
{
	struct tar_block b = { .type = type };
	int rc;

	memcpy(b.name, name, strlen(name));
	tar_put_number(b.mode, sizeof(b.mode), 0644);
	tar_put_number(b.uid, sizeof(b.uid), 0);
	tar_put_number(b.gid, sizeof(b.gid), 0);
	tar_put_number(b.mtime, sizeof(b.mtime), 0);
	tar_put_number(b.size, sizeof(b.size), len);
	rc = put_block(t, &b, e);
	if (rc == 0)
		rc = put(t, data, len, e);
	return rc < 0 ? rc : pad(t, len, e);
}

/* ustar's two fields, joined by a slash. Nonzero when they do not hold it: what fits is there. */
static int put_name(struct tar_block *b, const char *path)
{
	size_t len = strlen(path), at;

	if (len <= sizeof(b->name)) {
		memcpy(b->name, path, len);
		return 0;
	}
	for (at = len - sizeof(b->name) - 1; at < len - 1 && at <= sizeof(b->prefix); at++) {
		if (path[at] != '/' || at == 0)
			continue;
		memcpy(b->prefix, path, at);
		memcpy(b->name, path + at + 1, len - at - 1);
		return 0;
	}
	memcpy(b->name, path, sizeof(b->name));
	return 1;
}

/* A key ends at its "=": GNU tar's way around one in a name. out[3 * COPY_NAME_MAX + 1]. */
static void encode_key(char *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '=' || *name == '%')
			out += sprintf(out, "%%%02X", (unsigned)*name);
		else
			*out++ = *name;
	}
	*out = '\0';
}

static void add_xattrs(struct pax *p, const struct copy_entry *n)
{
	char key[3 * COPY_NAME_MAX + 1];
	struct copy_xattr x;
	size_t at = 0;

	while (copy_xattr_next(&x, n->xattrs, n->xattrs_len, &at)) {
		encode_key(key, x.name);
		pax_add(p, "SCHILY.xattr.", key, x.value, x.len);
	}
}

/* The two ways to say a long name, for the two kinds of readers. */
static int put_long(struct tar *t, struct pax *p, char type, const char *key, const char *text,
		    struct err *e)
{
	pax_add_text(p, key, text);
	return put_more(t, type, "././@LongLink", text, strlen(text) + 1, e);
}

/* What an entry or a link becomes. `target` is "" for what has none. */
static int put_header(struct tar *t, char type, const char *path, const char *target,
		      const struct copy_entry *n, struct err *e)
{
	struct tar_block b = { .type = type };
	struct pax p = { 0 };
	int rc = 0;

	if (put_name(&b, path))
		rc = put_long(t, &p, TAR_GNU_NAME, "path", path, e);
	memcpy(b.linkname, target, MIN(strlen(target), sizeof(b.linkname)));
	if (rc == 0 && strlen(target) > sizeof(b.linkname))
		rc = put_long(t, &p, TAR_GNU_LINK, "linkpath", target, e);
	tar_put_number(b.mode, sizeof(b.mode), n->mode & 07777);
	if (tar_put_number(b.uid, sizeof(b.uid), n->uid))
		pax_add_number(&p, "uid", n->uid);
	if (tar_put_number(b.gid, sizeof(b.gid), n->gid))
		pax_add_number(&p, "gid", n->gid);
	if (tar_put_number(b.size, sizeof(b.size), n->size))
		pax_add_number(&p, "size", n->size);
	if (tar_put_number(b.mtime, sizeof(b.mtime), n->mtime < 0 ? 0 : (uint64_t)n->mtime) ||
	    n->mtime < 0 || n->mtime_ns > 0)
		pax_add_time(&p, "mtime", n->mtime, n->mtime_ns);
	tar_put_number(b.major, sizeof(b.major), n->major);
	tar_put_number(b.minor, sizeof(b.minor), n->minor);
	add_xattrs(&p, n);
	if (rc == 0 && p.bad)
		rc = no_memory(e);
	if (rc == 0 && p.len > 0)
		rc = put_more(t, TAR_PAX, "PaxHeaders/next", p.text, p.len, e);
	pax_free(&p);
	return rc < 0 ? rc : put_block(t, &b, e);
}

/* --- steps --- */

/* The root's own name, for the first entry of a tree. */
static const char *name_of(struct tar *t, const char *name)
{
	if (!t->has_root)
		return name;
	t->has_root = 0;
	return t->root_name;
}

static int go_into(struct tar *t, const char *name, struct err *e)
{
	if (t->trail.depth == COPY_DEPTH_MAX)
		return err_set(e, -EPROTO, "a tree deeper than %d folders", COPY_DEPTH_MAX);
	return trail_enter(&t->trail, name) < 0 ? no_memory(e) : 0;
}

static int take_root(struct tar *t, const struct copy_msg *m, struct err *e)
{
	const struct copy_root *root = t->as ? t->as : &m->root;
	const char *name = root->contents ? "." : root->name;

	if (t->trail.depth > 0 || !name[0])
		return sink_out_of_order(e);
	snprintf(t->root_name, sizeof(t->root_name), "%s", name);
	t->has_root = 1;
	return 0;
}

static char type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return TAR_FILE;
	case S_IFDIR:
		return TAR_DIR;
	case S_IFLNK:
		return TAR_SYMLINK;
	case S_IFCHR:
		return TAR_CHAR;
	case S_IFBLK:
		return TAR_BLOCKDEV;
	case S_IFIFO:
		return TAR_FIFO;
	}
	return 0;
}

/* The header of something called so in the folder we are in; a folder's ends in a slash. */
static int put_at(struct tar *t, const char *name, char type, const char *target,
		  const struct copy_entry *n, struct err *e)
{
	size_t len = t->trail.len;
	int rc = trail_push(&t->trail, name);

	if (rc == 0 && type == TAR_DIR)
		rc = trail_push(&t->trail, ""); /* a slash */
	if (rc < 0)
		return no_memory(e);
	if (type)
		rc = put_header(t, type, trail_text(&t->trail), target, n, e);
	else
		report_problem(t->report, trail_text(&t->trail),
			       "is a socket, which an archive cannot hold");
	trail_cut(&t->trail, len);
	return rc;
}

static int take_entry(struct tar *t, const struct copy_msg *m, struct err *e)
{
	const struct copy_entry *n = &m->entry;
	const char *name;
	int rc;

	if (t->trail.depth == 0 && !t->has_root)
		return sink_out_of_order(e);
	name = name_of(t, n->name);
	t->is_writing = S_ISREG(n->mode);
	t->left = t->size = n->size;
	t->is_over = 0;
	rc = put_at(t, name, type_of(n->mode), n->target, n, e);
	return rc == 0 && S_ISDIR(n->mode) ? go_into(t, name, e) : rc;
}

static int take_enter(struct tar *t, const struct copy_msg *m, struct err *e)
{
	if (t->trail.depth == 0 && !t->has_root)
		return sink_out_of_order(e);
	return go_into(t, name_of(t, m->text), e);
}

static int take_link(struct tar *t, const struct copy_msg *m, struct err *e)
{
	struct copy_entry n = { .mode = 0644 };
	struct trail target = { 0 };
	int rc;

	if (t->trail.depth == 0)
		return sink_out_of_order(e);
	if (trail_push(&target, t->root_name) < 0 || trail_push(&target, m->link.target) < 0)
		rc = no_memory(e);
	else
		rc = put_at(t, m->link.name, TAR_LINK, trail_text(&target), &n, e);
	trail_free(&target);
	return rc;
}

static int take_up(struct tar *t, const struct copy_msg *m, struct err *e)
{
	(void)m;
	if (t->trail.depth == 0)
		return sink_out_of_order(e);
	trail_leave(&t->trail);
	return 0;
}

/* As many as the header has promised; it is written already. */
static int put_some(struct tar *t, const void *data, uint64_t len, struct err *e)
{
	uint64_t fits = MIN(len, t->left);

	t->is_over |= fits < len;
	t->left -= fits;
	return put(t, data, fits, e);
}

static int take_data(struct tar *t, const struct copy_msg *m, struct err *e)
{
	return put_some(t, m->data.at, m->data.len, e);
}

static int take_hole(struct tar *t, const struct copy_msg *m, struct err *e)
{
	return put_some(t, NULL, m->hole, e);
}

static int take_eof(struct tar *t, const struct copy_msg *m, struct err *e)
{
	int rc;

	/* The source has told about one that it could not read. */
	if (m->whole && (t->is_over || t->left > 0))
		report_problem(t->report, trail_text(&t->trail),
			       "a file here is not as long as it said; the archive has %llu bytes",
			       (unsigned long long)t->size);
	rc = put(t, NULL, t->left, e);
	t->is_writing = 0;
	return rc < 0 ? rc : pad(t, t->size, e);
}

static int tar_take(struct sink *s, const struct copy_msg *m, struct err *e)
{
	static int (*const takes[SINK_STEPS])(struct tar * t, const struct copy_msg *m,
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
	struct tar *t = CONTAINER(s, struct tar, sink);

	if (!sink_is_in_order(m, t->is_writing))
		return sink_out_of_order(e);
	return takes[m->type - FRAME_COPY_ROOT](t, m, e);
}

int tar_open(struct tar *t, int fd, struct report *r)
{
	*t = (struct tar){ .sink.take = tar_take, .fd = fd, .report = r };
	t->out = malloc(OUT_ROOM);
	return t->out ? 0 : -ENOMEM;
}

int tar_finish(struct tar *t, struct err *e)
{
	int rc = put(t, NULL, 2 * (size_t)TAR_BLOCK, e);

	return rc < 0 ? rc : flush(t, e);
}

void tar_close(struct tar *t)
{
	free(t->out);
	trail_free(&t->trail);
	t->out = NULL;
}
