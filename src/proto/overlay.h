/*
 * overlay - the layout of an overlay file: what of a disk was written since, over a base that never is.
 *
 *	0		header, OVERLAY_BLOCK bytes
 *	OVERLAY_MAP_AT	a bit for each block of the disk: set, where the block is in this file
 *	data_at		the blocks, each where it would be in the base, and holes between them
 *
 * A block counts once its bit is on the medium, and that is written after the block has got there. Bits
 * are only ever set: whatever half of a write of them is left by a power cut is right. Numbers are
 * little-endian.
 *
 * Who reads one believes nothing of it: it may have been cut, or be another's.
 */
#ifndef PROTO_OVERLAY_H
#define PROTO_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

enum {
	OVERLAY_BLOCK = 4096, /* also the unit in which bits are written */
	OVERLAY_MAP_AT = OVERLAY_BLOCK,
	OVERLAY_HEADER = 64, /* bytes of it that mean something */
};

/* A map of half a GiB. */
#define OVERLAY_BYTES_MAX (1ull << 44)

enum overlay_state {
	OVERLAY_LIVE = 1,
	OVERLAY_COMMITTING = 2, /* the base has some of the blocks already, and is no base without them */
};

/* What the base is known by. */
struct overlay_base {
	uint64_t bytes;
	uint64_t ino;	   /* 0 of a block device */
	int64_t mtime_ns;  /* 0 of a block device */
};

struct overlay_header {
	enum overlay_state state;
	struct overlay_base base;
};

/* Bytes of the map, whole blocks of it; where the data begins; how long the file is. */
uint64_t overlay_map_bytes(uint64_t disk_bytes);
uint64_t overlay_data_at(uint64_t disk_bytes);
uint64_t overlay_file_bytes(uint64_t disk_bytes);

void overlay_encode(const struct overlay_header *h, uint8_t out[OVERLAY_HEADER]);

/* 0 or -EPROTO: no overlay, one of another version, or of a disk of a size there cannot be. */
int overlay_decode(struct overlay_header *h, const uint8_t in[OVERLAY_HEADER]);

#endif
