/*
 * unpack - one compressed stream in memory, recognised by its first bytes, to what was packed.
 */
#include "image/unpack.h"

#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/util.h"

enum {
	STEP = 1 << 20, /* of what is unpacked, in a turn */
	LZ4_BLOCK = 8 << 20,   /* of the legacy format, which `lz4 -l` writes for kernels */
	LZMA_MEMORY = 96 << 20, /* enough for xz -9 */
};

struct packed {
	const uint8_t *data;
	size_t len;
	size_t most; /* that may come of it */
};

/* A decoder's turn: from *at on into the room there is. 1: that was the end; 0: go on; negative. */
typedef int turn_fn(void *state, const struct packed *p, size_t *at, struct blob *u,
		    size_t room);

/* Turns until the end. One that neither takes nor gives anything wants more than there is. */
static int run(turn_fn *turn, void *state, const struct packed *p, struct blob *u)
{
	size_t at = 0;

	for (;;) {
		size_t had = u->len, was = at;
		int rc = blob_grow(u, STEP, p->most);

		if (rc == 0)
			rc = turn(state, p, &at, u, blob_left(u, p->most));
		if (rc != 0)
			return rc > 0 ? 0 : rc;
		if (at == was && u->len == had)
			return -EBADMSG;
	}
}

/* --- gzip --- */

static int gzip_turn(void *state, const struct packed *p, size_t *at, struct blob *u,
		     size_t room)
{
	z_stream *z = state;
	int rc;

	z->next_in = (Bytef *)(uintptr_t)(p->data + *at); /* not const, but only read */
	z->avail_in = (uInt)MIN(p->len - *at, UINT32_MAX);
	z->next_out = u->data + u->len;
	z->avail_out = (uInt)MIN(room, UINT32_MAX);
	rc = inflate(z, Z_NO_FLUSH);
	*at = (size_t)(z->next_in - p->data);
	u->len = (size_t)(z->next_out - u->data);
	if (rc == Z_STREAM_END)
		return 1;
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : rc == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

static int unpack_gzip(struct blob *u, const struct packed *p)
{
	z_stream z = { 0 };
	int rc;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	rc = run(gzip_turn, &z, p, u);
	inflateEnd(&z);
	return rc;
}

/* --- xz --- */

static int xz_turn(void *state, const struct packed *p, size_t *at, struct blob *u, size_t room)
{
	lzma_stream *s = state;
	lzma_ret rc;

	s->next_in = p->data + *at;
	s->avail_in = p->len - *at;
	s->next_out = u->data + u->len;
	s->avail_out = room;
	rc = lzma_code(s, LZMA_RUN);
	*at = (size_t)(s->next_in - p->data);
	u->len = (size_t)(s->next_out - u->data);
	if (rc == LZMA_STREAM_END)
		return 1;
	if (rc == LZMA_OK || rc == LZMA_BUF_ERROR)
		return 0;
	return rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
}

static int unpack_xz(struct blob *u, const struct packed *p)
{
	lzma_stream s = LZMA_STREAM_INIT;
	int rc;

	if (lzma_stream_decoder(&s, LZMA_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	rc = run(xz_turn, &s, p, u);
	lzma_end(&s);
	return rc;
}

/* --- zstd --- */

static int zstd_turn(void *state, const struct packed *p, size_t *at, struct blob *u,
		     size_t room)
{
	ZSTD_inBuffer in = { p->data, p->len, *at };
	ZSTD_outBuffer out = { u->data + u->len, room, 0 };
	size_t left = ZSTD_decompressStream(state, &out, &in);

	*at = in.pos;
	u->len += out.pos;
	if (ZSTD_isError(left))
		return -EBADMSG;
	return left == 0;
}

static int unpack_zstd(struct blob *u, const struct packed *p)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	int rc = d ? run(zstd_turn, d, p, u) : -ENOMEM;

	ZSTD_freeDStream(d);
	return rc;
}

/* --- lz4, the legacy format: a magic number, then blocks behind their length --- */

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int unpack_lz4(struct blob *u, const struct packed *p)
{
	size_t at = 4, left;

	/* A rest of four bytes is the size that a kernel's build appends. */
	while ((left = p->len - at) > 4) {
		uint32_t len = le32(p->data + at);
		int rc, n;

		at += 4;
		if (len > left - 4 || len > (uint32_t)LZ4_COMPRESSBOUND(LZ4_BLOCK))
			return -EBADMSG;
		rc = blob_grow(u, LZ4_BLOCK, p->most);
		if (rc < 0)
			return rc;
		n = LZ4_decompress_safe((const char *)p->data + at, (char *)u->data + u->len,
					(int)len, (int)MIN(blob_left(u, p->most), (size_t)LZ4_BLOCK));
		if (n < 0)
			return blob_left(u, p->most) < LZ4_BLOCK ? -EFBIG : -EBADMSG;
		u->len += (size_t)n;
		at += len;
	}
	return left == 0 || left == 4 ? 0 : -EBADMSG;
}

/* --- which --- */

static const struct format {
	const char *name, *magic;
	size_t len;
	int (*unpack)(struct blob *u, const struct packed *p);
} formats[] = {
	{ "gzip", "\x1f\x8b\x08", 3, unpack_gzip },
	{ "xz", "\3757zXZ", 6, unpack_xz }, /* and its NUL */
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd },
	{ "lz4", "\x02\x21\x4c\x18", 4, unpack_lz4 },
};

static const struct format *format_of(const void *data, size_t len)
{
	for (size_t i = 0; i < COUNT(formats); i++)
		if (len >= formats[i].len && !memcmp(data, formats[i].magic, formats[i].len))
			return &formats[i];
	return NULL;
}

const char *unpack_format(const void *data, size_t len)
{
	const struct format *f = format_of(data, len);

	return f ? f->name : NULL;
}

int unpack(struct blob *out, const char *what, const void *data, size_t len, size_t most,
	   struct err *e)
{
	const struct format *f = format_of(data, len);
	struct packed p = { data, len, most };
	int rc;

	*out = BLOB_NONE;
	if (!f)
		return err_set(e, -ENOEXEC, "%s: is packed with none of gzip, lz4, xz and zstd",
			       what);
	rc = f->unpack(out, &p);
	if (rc == 0)
		return 0;
	blob_free(out);
	if (rc == -EFBIG)
		return err_set(e, rc, "%s: unpacks to more than %zu MiB", what, most >> 20);
	if (rc == -EBADMSG)
		return err_set(e, rc, "%s: its %s data is damaged or cut", what, f->name);
	return err_set(e, rc, "%s: no memory to unpack its %s data", what, f->name);
}
