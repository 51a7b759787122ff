/*
 * packet - SSH's binary packets as they are before keys were agreed upon.
 */
#include "ssh/packet.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

enum {
	LENGTH = 4,   /* bytes of the length, which does not count itself */
	HEADER = 5,   /* and of the padding's */
	BLOCK = 8,    /* a packet is a multiple of it */
	SMALLEST = 16,
	PADDING = 4, /* at least */
};

/* The whole packet's length; 0: not yet known; or -EPROTO. */
static long whole_length(const struct packet *p)
{
	struct rd r = rd_init(p->mem, p->used);
	uint32_t len;

	if (p->used < LENGTH)
		return 0;
	len = rd_be32(&r);
	if (len > PACKET_MAX - LENGTH || len < SMALLEST - LENGTH || (len + LENGTH) % BLOCK)
		return -EPROTO;
	return (long)len + LENGTH;
}

static int finish(struct packet *p)
{
	size_t padding = p->mem[LENGTH];

	if (padding < PADDING || HEADER + padding >= p->used)
		return -EPROTO;
	p->payload = p->used - HEADER - padding;
	return 0;
}

long packet_take(struct packet *p, const void *data, size_t len)
{
	size_t taken = 0;

	if (p->payload)
		p->used = p->payload = 0;
	while (taken < len && !p->payload) {
		long whole = whole_length(p);
		size_t want = whole > 0 ? (size_t)whole : LENGTH;
		size_t n = MIN(want - p->used, len - taken);

		if (whole < 0)
			return whole;
		memcpy(p->mem + p->used, (const uint8_t *)data + taken, n);
		p->used += n;
		taken += n;
		if (whole > 0 && p->used == want && finish(p) < 0)
			return -EPROTO;
	}
	return whole_length(p) < 0 ? -EPROTO : (long)taken;
}

struct rd packet_read(const struct packet *p)
{
	return rd_init(p->mem + HEADER, p->payload);
}

void packet_put(struct wr *w, const void *payload, size_t len)
{
	size_t padding = BLOCK - (HEADER + len) % BLOCK;

	if (padding < PADDING)
		padding += BLOCK;
	if (HEADER + len + padding < SMALLEST)
		padding += BLOCK;
	wr_be32(w, (uint32_t)(HEADER - LENGTH + len + padding));
	wr_u8(w, (uint8_t)padding);
	if (w->bad || (size_t)(w->end - w->at) < len + padding) {
		w->bad = 1;
		return;
	}
	memcpy(w->at, payload, len);
	memset(w->at + len, 0, padding); /* random only where it would hide something */
	w->at += len + padding;
}
