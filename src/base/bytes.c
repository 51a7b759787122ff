/*
 * bytes - cursors over byte streams of ours, big-endian (network order).
 */
#include "base/bytes.h"

#include <string.h>

static uint64_t rd_be(struct rd *r, unsigned bytes)
{
	uint64_t v = 0;

	if (r->bad || (size_t)(r->end - r->at) < bytes) {
		r->bad = 1;
		return 0;
	}
	while (bytes-- > 0)
		v = v << 8 | *r->at++;
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)rd_be(r, 1);
}

uint16_t rd_be16(struct rd *r)
{
	return (uint16_t)rd_be(r, 2);
}

uint32_t rd_be32(struct rd *r)
{
	return (uint32_t)rd_be(r, 4);
}

uint64_t rd_be64(struct rd *r)
{
	return rd_be(r, 8);
}

const uint8_t *rd_blob(struct rd *r, size_t *len)
{
	const uint8_t *data;

	*len = rd_be32(r);
	if (r->bad || (size_t)(r->end - r->at) < *len) {
		r->bad = 1;
		*len = 0;
		return r->end;
	}
	data = r->at;
	r->at += *len;
	return data;
}

const char *rd_str(struct rd *r)
{
	size_t len;
	const uint8_t *s = rd_blob(r, &len);

	if (len == 0 || memchr(s, 0, len) != s + len - 1) {
		r->bad = 1;
		return "";
	}
	return (const char *)s;
}

int rd_done(const struct rd *r)
{
	return !r->bad && r->at == r->end;
}

static void wr_be(struct wr *w, uint64_t v, unsigned bytes)
{
	if (w->bad || (size_t)(w->end - w->at) < bytes) {
		w->bad = 1;
		return;
	}
	while (bytes-- > 0)
		*w->at++ = (uint8_t)(v >> (8 * bytes));
}

void wr_u8(struct wr *w, uint8_t v)
{
	wr_be(w, v, 1);
}

void wr_be16(struct wr *w, uint16_t v)
{
	wr_be(w, v, 2);
}

void wr_be32(struct wr *w, uint32_t v)
{
	wr_be(w, v, 4);
}

void wr_be64(struct wr *w, uint64_t v)
{
	wr_be(w, v, 8);
}

void wr_blob(struct wr *w, const void *data, size_t len)
{
	wr_be32(w, (uint32_t)len);
	if (w->bad || len > UINT32_MAX || (size_t)(w->end - w->at) < len) {
		w->bad = 1;
		return;
	}
	if (len > 0)
		memcpy(w->at, data, len);
	w->at += len;
}

void wr_str(struct wr *w, const char *s)
{
	wr_blob(w, s, strlen(s) + 1);
}
