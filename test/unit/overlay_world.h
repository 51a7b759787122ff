/*
 * overlay_world - a disk with an overlay, and a medium under it that forgets.
 *
 * The writes to the overlay's file pass through here on their way to libc (this program's own
 * pwritev(2) and friends come first). What was written since the last sync is remembered, and a power
 * cut takes some of it back, sector by sector. Each write of the guest is of one letter, so a sector
 * says which write it is of; `may_be` holds the letters it may have.
 */
#ifndef OVERLAY_WORLD_H
#define OVERLAY_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "proto/overlay.h"
#include "vmm/layover.h"

#ifndef INVARIANT
#define INVARIANT(expr) ((expr) ? (void)0 : abort())
#endif

enum {
	OW_SECTORS = 8 * 20 + 3, /* the last block is not a whole one */
	OW_BYTES = OW_SECTORS * DISK_SECTOR,
	OW_FILE_MAX = 4096 * 2 + OW_BYTES,
	OW_LETTERS = 250,
	OW_BASE = 251, /* and on: what the base has, by sector */
};

static struct overlay_world {
	int base, delta;
	struct overlay o;
	/* The file as it is on the medium, and as it is in the page cache. */
	uint8_t medium[OW_FILE_MAX];
	unsigned syncs, fail_syncs, fail_writes; /* the next so many fail */
	uint8_t may_be[OW_SECTORS][32];
	uint8_t letter;
} ow;

/* --- the medium ----------------------------------------------------------------------------- */

static inline void ow_read_file(uint8_t out[OW_FILE_MAX])
{
	memset(out, 0, OW_FILE_MAX);
	INVARIANT(syscall(SYS_pread64, ow.delta, out, OW_FILE_MAX, 0L) >= 0);
}

int fdatasync(int fd)
{
	if (fd != ow.delta)
		return 0;
	ow.syncs++;
	if (ow.fail_syncs) {
		ow.fail_syncs--;
		errno = EIO;
		return -1;
	}
	ow_read_file(ow.medium);
	return 0;
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	INVARIANT(fd != ow.base);
	if (fd == ow.delta && ow.fail_writes) {
		ow.fail_writes--;
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwritev, fd, iov, (long)n, (long)at, 0L);
}

static inline uint32_t ow_random(uint32_t *seed)
{
	return *seed = *seed * 1664525u + 1013904223u;
}

/* Of each sector that the medium has not got for sure, by chance the old or the new. */
static inline void ow_cut_power(uint32_t seed)
{
	static uint8_t now[OW_FILE_MAX];
	long len = (long)overlay_file_bytes(OW_BYTES);

	ow_read_file(now);
	for (size_t at = 0; at < OW_FILE_MAX; at += DISK_SECTOR)
		if (ow_random(&seed) >> 16 & 1)
			memcpy(ow.medium + at, now + at, DISK_SECTOR);
	INVARIANT(syscall(SYS_pwrite64, ow.delta, ow.medium, len, 0L) == len);
}

/* --- the disk ------------------------------------------------------------------------------- */

static inline uint8_t ow_base_letter(unsigned sector)
{
	return (uint8_t)(OW_BASE + sector % 4);
}

static inline void ow_only(unsigned sector, uint8_t letter)
{
	memset(ow.may_be[sector], 0, sizeof(ow.may_be[sector]));
	ow.may_be[sector][letter / 8] |= (uint8_t)(1u << letter % 8);
}

static inline int ow_open(void)
{
	return layover_open(&ow.o, ow.base, ow.delta, OW_BYTES);
}

static inline void ow_begin(void)
{
	struct overlay_header h = { OVERLAY_LIVE, { OW_BYTES, 1, 2 } };
	uint8_t header[OVERLAY_HEADER], sector[DISK_SECTOR];

	memset(&ow, 0, sizeof(ow));
	ow.base = memfd_create("base", MFD_CLOEXEC);
	ow.delta = memfd_create("delta", MFD_CLOEXEC);
	INVARIANT(ow.base >= 0 && ow.delta >= 0);
	for (unsigned i = 0; i < OW_SECTORS; i++) {
		memset(sector, ow_base_letter(i), DISK_SECTOR);
		INVARIANT(syscall(SYS_pwrite64, ow.base, sector, (long)DISK_SECTOR,
				  (long)i * DISK_SECTOR) == DISK_SECTOR);
		ow_only(i, ow_base_letter(i));
	}
	overlay_encode(&h, header);
	INVARIANT(ftruncate(ow.delta, (off_t)overlay_file_bytes(OW_BYTES)) == 0);
	INVARIANT(syscall(SYS_pwrite64, ow.delta, header, (long)OVERLAY_HEADER, 0L) == OVERLAY_HEADER);
	ow_read_file(ow.medium);
	INVARIANT(ow_open() == 0);
}

static inline void ow_end(void)
{
	overlay_close(&ow.o);
	close(ow.base);
	close(ow.delta);
}

static inline int ow_job(enum disk_op op, unsigned sector, unsigned count, uint8_t *bytes)
{
	static uint8_t unused[DISK_SECTOR];

	if (!bytes) /* of a job without any */
		bytes = unused;
	/* In pieces that fit nothing: a driver's pages do not either. */
	struct iovec iov[3] = { { bytes, 100 },
				{ bytes + 100, 412 },
				{ bytes + 512, count * DISK_SECTOR - 512 } };
	struct disk_job j = {
		.op = op,
		.at = (uint64_t)sector * DISK_SECTOR,
		.len = (uint64_t)count * DISK_SECTOR,
		.iov = iov,
		.nspans = count > 1 ? 3 : 2,
	};

	if (op == DISK_FLUSH)
		j.at = j.len = j.nspans = 0;
	return overlay_do(&ow.o, &j);
}

static inline int ow_write(unsigned sector, unsigned count)
{
	static uint8_t bytes[OW_BYTES];
	uint8_t letter = ow.letter = (uint8_t)(ow.letter % OW_LETTERS + 1);
	int rc;

	memset(bytes, letter, count * DISK_SECTOR);
	rc = ow_job(DISK_WRITE, sector, count, bytes);
	for (unsigned i = sector; i < sector + count; i++)
		ow.may_be[i][letter / 8] |= (uint8_t)(1u << letter % 8);
	return rc;
}

static inline int ow_zero(unsigned sector, unsigned count)
{
	int rc = ow_job(DISK_ZERO, sector, count, NULL);

	for (unsigned i = sector; i < sector + count; i++)
		ow.may_be[i][0] |= 1;
	return rc;
}

static inline int ow_free(unsigned sector, unsigned count)
{
	int rc = ow_job(DISK_FREE, sector, count, NULL);

	for (unsigned i = sector; i < sector + count; i++)
		memset(ow.may_be[i], 0xff, sizeof(ow.may_be[i]));
	return rc;
}

/* Where all of it is said to be in one file, it is. */
static inline void ow_check_found(const uint8_t bytes[OW_BYTES], unsigned sector, unsigned count)
{
	struct disk_job j = { .at = (uint64_t)sector * DISK_SECTOR, .len = (uint64_t)count * DISK_SECTOR };
	uint8_t found[9 * DISK_SECTOR];
	struct disk_call c;

	if (!overlay_find(&ow.o, &j, &c)) {
		INVARIANT(count > 1);
		return;
	}
	INVARIANT(syscall(SYS_pread64, c.file ? ow.delta : ow.base, found, (size_t)j.len, (long)c.at) ==
		  (long)j.len);
	INVARIANT(!memcmp(found, bytes + j.at, (size_t)j.len));
}

/* Reads all of it: each sector is of one letter that it may have. */
static inline void ow_check(uint8_t is[OW_SECTORS])
{
	static uint8_t bytes[OW_BYTES];

	INVARIANT(ow_job(DISK_READ, 0, OW_SECTORS, bytes) == 0);
	for (unsigned i = 0; i < OW_SECTORS; i++) {
		uint8_t *at = bytes + i * DISK_SECTOR;

		INVARIANT(memcmp(at, at + 1, DISK_SECTOR - 1) == 0);
		INVARIANT(ow.may_be[i][*at / 8] >> (*at % 8) & 1);
		ow_check_found(bytes, i, 1);
		ow_check_found(bytes, i, MIN(OW_SECTORS - i, 9u));
		is[i] = *at;
	}
}

/* From now on what is read is all there may be. */
static inline void ow_settle(void)
{
	uint8_t is[OW_SECTORS];

	ow_check(is);
	for (unsigned i = 0; i < OW_SECTORS; i++)
		ow_only(i, is[i]);
}

static inline int ow_flush(void)
{
	int rc = ow_job(DISK_FLUSH, 0, 1, NULL);

	if (rc == 0)
		ow_settle();
	return rc;
}

/* The process dies, and perhaps the machine with it; another opens the overlay. */
static inline void ow_die(int power, uint32_t seed)
{
	uint8_t is[OW_SECTORS];

	overlay_close(&ow.o);
	if (power)
		ow_cut_power(seed);
	INVARIANT(ow_open() == 0);
	if (power)
		ow_settle();
	else
		ow_check(is);
}

#endif
