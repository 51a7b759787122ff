/*
 * overlay - the layout of an overlay file.
 */
#include "proto/overlay.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

enum { SECTOR = 512 };

static const char magic[8] = "vmtoolO1"; /* the last digit is the version */

uint64_t overlay_map_bytes(uint64_t disk_bytes)
{
	uint64_t blocks = (disk_bytes + OVERLAY_BLOCK - 1) / OVERLAY_BLOCK;

	return ALIGN_UP((blocks + 7) / 8, (uint64_t)OVERLAY_BLOCK);
}

uint64_t overlay_data_at(uint64_t disk_bytes)
{
	return OVERLAY_MAP_AT + overlay_map_bytes(disk_bytes);
}

uint64_t overlay_file_bytes(uint64_t disk_bytes)
{
	return overlay_data_at(disk_bytes) + disk_bytes;
}

static void put64(uint8_t *to, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v = 0;

	for (unsigned i = 8; i-- > 0;)
		v = v << 8 | at[i];
	return v;
}

void overlay_encode(const struct overlay_header *h, uint8_t out[OVERLAY_HEADER])
{
	memset(out, 0, OVERLAY_HEADER);
	memcpy(out, magic, sizeof(magic));
	put64(out + 8, h->state);
	put64(out + 16, h->base.bytes);
	put64(out + 24, h->base.ino);
	put64(out + 32, (uint64_t)h->base.mtime_ns);
}

int overlay_decode(struct overlay_header *h, const uint8_t in[OVERLAY_HEADER])
{
	uint64_t state = get64(in + 8);

	if (memcmp(in, magic, sizeof(magic)) != 0 ||
	    (state != OVERLAY_LIVE && state != OVERLAY_COMMITTING))
		return -EPROTO;
	h->state = (enum overlay_state)state;
	h->base.bytes = get64(in + 16);
	h->base.ino = get64(in + 24);
	h->base.mtime_ns = (int64_t)get64(in + 32);
	if (h->base.bytes == 0 || h->base.bytes % SECTOR || h->base.bytes > OVERLAY_BYTES_MAX)
		return -EPROTO;
	return 0;
}
