/*
 * overlay - a disk whose base is never written.
 */
#include "virtio/overlay.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sparse.h"
#include "base/util.h"
#include "virtio/fileio.h"

enum { BLOCK = OVERLAY_UNIT };

/* --- which blocks it has -------------------------------------------------------------------- */

static int has(const struct overlay *o, uint64_t block)
{
	return __atomic_load_n(&o->map[block / 8], __ATOMIC_ACQUIRE) >> (block & 7) & 1;
}

static void add(struct overlay *o, uint64_t block)
{
	if (has(o, block))
		return;
	/* Whoever sees the bit finds the block: overlay_find(). */
	__atomic_fetch_or(&o->map[block / 8], (uint8_t)(1u << (block & 7)), __ATOMIC_RELEASE);
	o->unsaved[block / 8 / BLOCK] = 1;
}

/* From `at` on, at most to `end`: where the next byte is kept elsewhere than this one. */
static uint64_t run_end(const struct overlay *o, uint64_t at, uint64_t end)
{
	uint64_t block = at / BLOCK;
	int here = has(o, block);

	do
		block++;
	while (block * BLOCK < end && has(o, block) == here);
	return MIN(block * BLOCK, end);
}

/* Pages of nothing cost no memory: only what has a bit is copied. */
static int load_map(struct overlay *o)
{
	static const uint8_t nothing[BLOCK];
	uint8_t page[BLOCK];
	int rc = 0;

	for (size_t at = 0; at < o->place.map_bytes && rc == 0; at += BLOCK) {
		rc = fileio_read_bytes(o->delta, page, BLOCK, o->place.map_at + at);
		if (rc == 0 && memcmp(page, nothing, BLOCK) != 0)
			memcpy(o->map + at, page, BLOCK);
	}
	return rc;
}

static int save_map(struct overlay *o, int *saved)
{
	int rc = 0;

	*saved = 0;
	for (size_t i = 0; i < o->place.map_bytes / BLOCK && rc == 0; i++) {
		if (!o->unsaved[i])
			continue;
		rc = fileio_write_bytes(o->delta, o->map + i * BLOCK, BLOCK,
					o->place.map_at + i * BLOCK);
		*saved = 1;
		if (rc == 0)
			o->unsaved[i] = 0;
	}
	return rc;
}

/* --- jobs ----------------------------------------------------------------------------------- */

/* The first len bytes of what is left of the job. Their spans' number. */
static unsigned take(struct disk_job *j, uint64_t len, struct iovec out[DISK_SPANS])
{
	unsigned n = 0;

	while (len > 0) {
		size_t part = (size_t)MIN(j->iov->iov_len, len);

		out[n++] = (struct iovec){ j->iov->iov_base, part };
		len -= part;
		j->iov->iov_base = (uint8_t *)j->iov->iov_base + part;
		j->iov->iov_len -= part;
		if (j->iov->iov_len == 0) {
			j->iov++;
			j->nspans--;
		}
	}
	return n;
}

static int do_read(struct overlay *o, struct disk_job *j)
{
	uint64_t at = j->at, end = j->at + j->len, next;
	struct iovec iov[DISK_SPANS];
	int rc = 0;

	for (; at < end && rc == 0; at = next) {
		unsigned n;

		next = run_end(o, at, end);
		n = take(j, next - at, iov);
		rc = has(o, at / BLOCK) ? fileio_read(o->delta, iov, n, o->place.data_at + at) :
					  fileio_read(o->base, iov, n, at);
	}
	return rc;
}

int overlay_find(const struct overlay *o, const struct disk_job *j, struct disk_call *c)
{
	uint64_t block = j->at / BLOCK;
	int here = has(o, block);

	/* Each bit is looked at once: it may be set meanwhile. */
	while (++block * BLOCK < j->at + j->len)
		if (has(o, block) != here)
			return 0;
	*c = here ? (struct disk_call){ 1, o->place.data_at + j->at } : (struct disk_call){ 0, j->at };
	return 1;
}

/* A block of which only a part is written gets the rest from the base first. */
static int fetch(struct overlay *o, uint64_t block)
{
	uint64_t at = block * BLOCK;
	size_t len = (size_t)MIN(o->bytes - at, (uint64_t)BLOCK);
	uint8_t bytes[BLOCK];
	int rc;

	if (has(o, block))
		return 0;
	rc = fileio_read_bytes(o->base, bytes, len, at);
	return rc < 0 ? rc : fileio_write_bytes(o->delta, bytes, len, o->place.data_at + at);
}

/* The blocks at both ends of at..end, where they are not wholly in it. */
static int fetch_ends(struct overlay *o, uint64_t at, uint64_t end)
{
	int rc = 0;

	if (at % BLOCK)
		rc = fetch(o, at / BLOCK);
	if (rc == 0 && end % BLOCK && end != o->bytes)
		rc = fetch(o, end / BLOCK);
	return rc;
}

static void add_all(struct overlay *o, uint64_t at, uint64_t end)
{
	for (uint64_t block = at / BLOCK; block * BLOCK < end; block++)
		add(o, block);
}

static int do_write(struct overlay *o, struct disk_job *j)
{
	int rc = fetch_ends(o, j->at, j->at + j->len);

	if (rc == 0)
		rc = fileio_write(o->delta, j->iov, j->nspans, o->place.data_at + j->at);
	if (rc == 0)
		add_all(o, j->at, j->at + j->len);
	return rc;
}

static int do_zero(struct overlay *o, struct disk_job *j)
{
	int rc = fetch_ends(o, j->at, j->at + j->len);

	/* Whatever a write that was never flushed has left there goes as well. */
	if (rc == 0)
		rc = fileio_zero(o->delta, o->place.data_at + j->at, j->len, 1);
	if (rc == 0)
		add_all(o, j->at, j->at + j->len);
	return rc;
}

/* The bytes may be anything: those of the base are left in sight, ours make room. */
static int do_free(struct overlay *o, struct disk_job *j)
{
	uint64_t at = j->at, end = j->at + j->len, next;
	int rc = 0;

	for (; at < end && rc == 0; at = next) {
		next = run_end(o, at, end);
		if (has(o, at / BLOCK))
			rc = fileio_free(o->delta, o->place.data_at + at, next - at);
	}
	return rc;
}

static int do_flush(struct overlay *o, struct disk_job *j)
{
	int rc, saved = 0;

	(void)j;
	if (o->broken)
		return -EIO;
	rc = fileio_sync(o->delta);
	if (rc == 0)
		rc = save_map(o, &saved);
	if (rc == 0 && saved)
		rc = fileio_sync(o->delta);
	if (rc < 0)
		o->broken = 1;
	return rc;
}

uint64_t overlay_end(const struct overlay *o)
{
	return o->place.data_at + o->bytes;
}

/* A file that somebody cut would grow again by a write behind its end, with holes for our blocks. */
static int check_length(const struct overlay *o)
{
	struct stat st;

	if (fstat(o->delta, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size < overlay_end(o) ? -EIO : 0;
}

int overlay_do(struct overlay *o, struct disk_job *j)
{
	static int (*const jobs[])(struct overlay *o, struct disk_job *j) = {
		[DISK_READ] = do_read, [DISK_WRITE] = do_write, [DISK_FLUSH] = do_flush,
		[DISK_FREE] = do_free, [DISK_ZERO] = do_zero,
	};
	int rc = j->op == DISK_READ ? 0 : check_length(o);

	if (rc == 0)
		rc = jobs[j->op](o, j);
	if (rc == 0 && j->through)
		rc = do_flush(o, j);
	return rc;
}

/* --- life ----------------------------------------------------------------------------------- */

static size_t mapping_bytes(const struct overlay *o)
{
	return o->place.map_bytes + o->place.map_bytes / BLOCK;
}

int overlay_open(struct overlay *o, int base, int delta, uint64_t bytes,
		 const struct overlay_place *place)
{
	int rc;

	*o = (struct overlay){ .base = base, .delta = delta, .bytes = bytes, .place = *place };
	rc = check_length(o);
	if (rc < 0)
		return rc;
	o->map = sparse_map(mapping_bytes(o));
	if (!o->map)
		return -ENOMEM;
	o->unsaved = o->map + o->place.map_bytes;
	rc = load_map(o);
	if (rc < 0)
		overlay_close(o);
	return rc;
}

void overlay_close(struct overlay *o)
{
	if (o->map)
		munmap(o->map, mapping_bytes(o));
	o->map = o->unsaved = NULL;
}
