/*
 * copy - what is said of files on the agent's port: a request, then a tree as a stream.
 */
#include "proto/copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/util.h"

int copy_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= COPY_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..");
}

/* Steps with one slash between each. */
static int is_steps(const char *path)
{
	char step[COPY_NAME_MAX + 1];

	if (strlen(path) >= COPY_LINK_MAX)
		return 0;
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len > COPY_NAME_MAX)
			return 0;
		memcpy(step, path, len);
		step[len] = '\0';
		if (!copy_name_is_valid(step))
			return 0;
		if (path[len] == '\0')
			return 1;
		path += len + 1;
	}
}

long copy_req_encode(const struct copy_req *q, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, q->flags);
	wr_str(&w, q->user);
	wr_str(&w, q->path);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int copy_req_decode(struct copy_req *q, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	q->flags = rd_be16(&r);
	q->user = rd_str(&r);
	q->path = rd_str(&r);
	return rd_done(&r) && !(q->flags & ~COPY_FLAGS) && q->path[0] &&
			       strlen(q->path) < COPY_REQ_PATH_MAX
		       ? 0
		       : -EPROTO;
}

/* A list's next; bad once it is cut short or not what it should be. */
static struct copy_xattr rd_xattr(struct rd *r)
{
	struct copy_xattr x;

	x.name = rd_str(r);
	x.value = rd_blob(r, &x.len);
	if (x.name[0] == '\0' || strlen(x.name) > COPY_NAME_MAX || x.len > COPY_XATTR_VALUE_MAX)
		r->bad = 1;
	return x;
}

int copy_xattr_next(struct copy_xattr *x, const uint8_t *list, size_t len, size_t *at)
{
	struct rd r;

	if (*at == len)
		return 0; /* list may be NULL */
	r = rd_init(list + *at, len - *at);
	*x = rd_xattr(&r);
	*at = (size_t)(r.at - list);
	return !r.bad;
}

int copy_xattr_add(uint8_t *out, size_t room, size_t *len, const struct copy_xattr *x)
{
	struct wr w = wr_init(out + *len, room - *len);

	wr_str(&w, x->name);
	wr_blob(&w, x->value, x->len);
	if (w.bad)
		return -ENOSPC;
	*len += wr_len(&w, out + *len);
	return 0;
}

static void wr_entry(struct wr *w, const struct copy_entry *n)
{
	wr_str(w, n->name);
	wr_be32(w, n->mode);
	wr_be32(w, n->uid);
	wr_be32(w, n->gid);
	wr_be64(w, (uint64_t)n->mtime);
	wr_be32(w, n->mtime_ns);
	wr_be64(w, n->size);
	wr_be32(w, n->major);
	wr_be32(w, n->minor);
	wr_str(w, n->target);
	wr_blob(w, n->xattrs, n->xattrs_len);
}

/* What the fields say of one another. */
static int entry_is_sane(const struct copy_entry *n)
{
	static const uint32_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO,
					  S_IFCHR, S_IFBLK, S_IFSOCK };
	size_t known = 0;

	while (known < COUNT(types) && types[known] != (n->mode & S_IFMT))
		known++;
	return known < COUNT(types) && !(n->mode & ~(uint32_t)(S_IFMT | 07777)) &&
	       n->mtime_ns < 1000000000 && n->size <= INT64_MAX && copy_name_is_valid(n->name) &&
	       S_ISLNK(n->mode) == (n->target[0] != '\0') && strlen(n->target) < COPY_TARGET_MAX &&
	       n->xattrs_len <= COPY_XATTRS_MAX;
}

static void rd_entry(struct rd *r, struct copy_entry *n)
{
	struct rd list;

	n->name = rd_str(r);
	n->mode = rd_be32(r);
	n->uid = rd_be32(r);
	n->gid = rd_be32(r);
	n->mtime = (int64_t)rd_be64(r);
	n->mtime_ns = rd_be32(r);
	n->size = rd_be64(r);
	n->major = rd_be32(r);
	n->minor = rd_be32(r);
	n->target = rd_str(r);
	n->xattrs = rd_blob(r, &n->xattrs_len);
	list = rd_init(n->xattrs, n->xattrs_len);
	while (!list.bad && list.at < list.end)
		rd_xattr(&list);
	if (list.bad || !entry_is_sane(n))
		r->bad = 1;
}

long copy_msg_encode(const struct copy_msg *m, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	switch (m->type) {
	case FRAME_COPY_ROOT:
		wr_str(&w, m->root.name);
		wr_u8(&w, m->root.contents);
		break;
	case FRAME_COPY_ENTRY:
		wr_entry(&w, &m->entry);
		break;
	case FRAME_COPY_LINK:
		wr_str(&w, m->link.name);
		wr_str(&w, m->link.target);
		break;
	case FRAME_COPY_ENTER:
	case FRAME_COPY_PROBLEM:
		wr_str(&w, m->text);
		break;
	case FRAME_COPY_HOLE:
		wr_be64(&w, m->hole);
		break;
	case FRAME_COPY_EOF:
		wr_u8(&w, m->whole);
		break;
	}
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int copy_msg_decode(struct copy_msg *m, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	int ok = 1;

	m->type = f->type;
	switch (f->type) {
	case FRAME_COPY_ROOT:
		m->root.name = rd_str(&r);
		m->root.contents = rd_u8(&r);
		ok = (m->root.name[0] == '\0' || copy_name_is_valid(m->root.name)) &&
		     m->root.contents <= 1;
		break;
	case FRAME_COPY_ENTRY:
		rd_entry(&r, &m->entry);
		break;
	case FRAME_COPY_LINK:
		m->link.name = rd_str(&r);
		m->link.target = rd_str(&r);
		ok = copy_name_is_valid(m->link.name) && is_steps(m->link.target);
		break;
	case FRAME_COPY_ENTER:
		m->text = rd_str(&r);
		ok = copy_name_is_valid(m->text);
		break;
	case FRAME_COPY_UP:
		break;
	case FRAME_COPY_DATA:
		m->data.at = f->data;
		m->data.len = f->len;
		return f->len > 0 && f->len <= COPY_CHUNK ? 0 : -EPROTO;
	case FRAME_COPY_HOLE:
		m->hole = rd_be64(&r);
		ok = m->hole > 0 && m->hole <= INT64_MAX;
		break;
	case FRAME_COPY_EOF:
		m->whole = rd_u8(&r);
		ok = m->whole <= 1;
		break;
	case FRAME_COPY_PROBLEM:
		m->text = rd_str(&r);
		break;
	default:
		return -EPROTO;
	}
	return ok && rd_done(&r) ? 0 : -EPROTO;
}
