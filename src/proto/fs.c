/*
 * fs - questions about a guest's files, and single changes to them, on the agent's port.
 */
#include "proto/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/util.h"
#include "proto/copy.h"

/* What each may be asked with. */
static const uint16_t flags_of[FS_OPS_END] = {
	[FS_STAT] = FS_FOLLOW,
	[FS_LIST] = FS_RECURSIVE,
	[FS_MKDIR] = FS_PARENTS,
	[FS_MOVE] = FS_KEEP | FS_EXACT | FS_INTO,
	[FS_REMOVE] = FS_RECURSIVE | FS_ABSENT_OK,
};

static int req_is_sane(const struct fs_req *q)
{
	return q->op > 0 && q->op < FS_OPS_END && !(q->flags & ~flags_of[q->op]) &&
	       q->mode <= 01777 && (q->op == FS_MKDIR || q->mode == 0) && q->path[0] &&
	       strlen(q->path) < FS_PATH_MAX && strlen(q->to) < FS_PATH_MAX &&
	       (q->op == FS_MOVE) == (q->to[0] != '\0');
}

long fs_req_encode(const struct fs_req *q, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_u8(&w, q->op);
	wr_be16(&w, q->flags);
	wr_be16(&w, q->mode);
	wr_str(&w, q->user);
	wr_str(&w, q->path);
	wr_str(&w, q->to);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int fs_req_decode(struct fs_req *q, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	q->op = rd_u8(&r);
	q->flags = rd_be16(&r);
	q->mode = rd_be16(&r);
	q->user = rd_str(&r);
	q->path = rd_str(&r);
	q->to = rd_str(&r);
	return rd_done(&r) && req_is_sane(q) ? 0 : -EPROTO;
}

static void wr_time(struct wr *w, const struct fs_time *t)
{
	wr_be64(w, (uint64_t)t->s);
	wr_be32(w, t->ns);
}

static struct fs_time rd_time(struct rd *r)
{
	struct fs_time t;

	t.s = (int64_t)rd_be64(r);
	t.ns = rd_be32(r);
	if (t.ns >= 1000000000)
		r->bad = 1;
	return t;
}

long fs_entry_encode(const struct fs_entry *n, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_str(&w, n->name);
	wr_be32(&w, n->mode);
	wr_be32(&w, n->uid);
	wr_be32(&w, n->gid);
	wr_be64(&w, n->size);
	wr_be64(&w, n->blocks);
	wr_be64(&w, n->inode);
	wr_be32(&w, n->links);
	wr_be32(&w, n->major);
	wr_be32(&w, n->minor);
	wr_time(&w, &n->accessed);
	wr_time(&w, &n->modified);
	wr_time(&w, &n->changed);
	wr_str(&w, n->target);
	wr_str(&w, n->owner);
	wr_str(&w, n->group);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

/* A file system may well have a type we do not know; what does not fit a number of JSON's is a lie. */
static int entry_is_sane(const struct fs_entry *n)
{
	return n->name[0] && strlen(n->name) < FS_PATH_MAX &&
	       !(n->mode & ~(uint32_t)(S_IFMT | 07777)) && n->size <= INT64_MAX &&
	       n->blocks <= INT64_MAX && (S_ISLNK(n->mode) || !n->target[0]) &&
	       strlen(n->target) < COPY_TARGET_MAX && strlen(n->owner) < FS_OWNER_MAX &&
	       strlen(n->group) < FS_OWNER_MAX;
}

int fs_entry_decode(struct fs_entry *n, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	n->name = rd_str(&r);
	n->mode = rd_be32(&r);
	n->uid = rd_be32(&r);
	n->gid = rd_be32(&r);
	n->size = rd_be64(&r);
	n->blocks = rd_be64(&r);
	n->inode = rd_be64(&r);
	n->links = rd_be32(&r);
	n->major = rd_be32(&r);
	n->minor = rd_be32(&r);
	n->accessed = rd_time(&r);
	n->modified = rd_time(&r);
	n->changed = rd_time(&r);
	n->target = rd_str(&r);
	n->owner = rd_str(&r);
	n->group = rd_str(&r);
	return rd_done(&r) && entry_is_sane(n) ? 0 : -EPROTO;
}

long fs_problem_encode(const struct fs_problem *p, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be32(&w, p->sys);
	wr_str(&w, p->path);
	wr_str(&w, p->what);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int fs_problem_decode(struct fs_problem *p, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	p->sys = rd_be32(&r);
	p->path = rd_str(&r);
	p->what = rd_str(&r);
	return rd_done(&r) && strlen(p->path) < FS_SAID_MAX && strlen(p->what) < FS_SAID_MAX &&
			       (p->sys || p->what[0])
		       ? 0
		       : -EPROTO;
}

const char *fs_enter_decode(const void *data, size_t len)
{
	struct rd r = rd_init(data, len);
	const char *name = rd_str(&r);

	return rd_done(&r) && copy_name_is_valid(name) ? name : NULL;
}
