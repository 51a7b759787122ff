/*
 * bytes - cursors over byte streams of ours, big-endian (network order).
 *
 * Both stick: after the first read past the end (or write past the room) every
 * later call is harmless, so a decoder or encoder is straight-line code with
 * one check of `bad` at its end.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct rd {
	const uint8_t *at, *end; /* borrowed */
	int bad;
};

struct wr {
	uint8_t *at, *end; /* borrowed */
	int bad;
};

static inline struct rd rd_init(const void *data, size_t len)
{
	return (struct rd){ data, (const uint8_t *)data + len, 0 };
}

static inline struct wr wr_init(void *data, size_t room)
{
	return (struct wr){ data, (uint8_t *)data + room, 0 };
}

uint8_t rd_u8(struct rd *r);
uint16_t rd_be16(struct rd *r);
uint32_t rd_be32(struct rd *r);
uint64_t rd_be64(struct rd *r);

/* A u32 length and as many bytes, the last of which must be the only NUL: a C string that
 * borrows from the input. "" once the cursor is bad. */
const char *rd_str(struct rd *r);

/* A u32 length and as many bytes, borrowed; *len is 0 once the cursor is bad. */
const uint8_t *rd_blob(struct rd *r, size_t *len);

/* Nonzero when everything was read and nothing was missing. */
int rd_done(const struct rd *r);

void wr_u8(struct wr *w, uint8_t v);
void wr_be16(struct wr *w, uint16_t v);
void wr_be32(struct wr *w, uint32_t v);
void wr_be64(struct wr *w, uint64_t v);
void wr_str(struct wr *w, const char *s);
void wr_blob(struct wr *w, const void *data, size_t len);

/* Bytes written since wr_init(start). Meaningless once bad. */
static inline size_t wr_len(const struct wr *w, const void *start)
{
	return (size_t)(w->at - (const uint8_t *)start);
}

#endif
