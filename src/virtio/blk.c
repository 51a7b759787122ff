/*
 * blk - the block device (virtio 1.2 section 5.2): sectors of a disk for the guest.
 */
#include "virtio/blk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

enum {
	QUEUE = 0,
	BUDGET = 256, /* requests a turn: bad ones cost the guest nothing but its own time */

	/* section 5.2.6 */
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_GET_ID = 8,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13,

	S_OK = 0,
	S_IOERR = 1,
	S_UNSUPP = 2,
	SUBMIT, /* no status yet: it is the disk's turn */

	UNMAP = 1, /* segment.flags; the others are reserved */
};

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* What DISCARD and WRITE_ZEROES are about. */
struct segment {
	uint64_t sector;
	uint32_t count, flags;
};

_Static_assert(sizeof(struct header) == 16 && sizeof(struct segment) == 16, "section 5.2.6");
_Static_assert(sizeof(struct blk_config) == 60, "section 5.2.4");

/* --- what may be asked ---------------------------------------------------------------------- */

/* The job's place on the disk; S_IOERR when part of it is beyond. */
static int place(const struct blk *b, struct disk_job *j, uint64_t sector, uint64_t len)
{
	uint64_t sectors = len / DISK_SECTOR;

	if (len % DISK_SECTOR || sector > b->config.capacity ||
	    sectors > b->config.capacity - sector)
		return S_IOERR;
	j->at = sector * DISK_SECTOR;
	j->len = len;
	return SUBMIT;
}

static int ask_in(const struct blk *b, struct blk_req *r, uint64_t sector)
{
	r->job.op = DISK_READ;
	r->job.nspans = chain_writable_spans(&r->chain, 0, r->room, r->span);
	return place(b, &r->job, sector, r->room);
}

static int ask_out(const struct blk *b, struct blk_req *r, uint64_t sector)
{
	uint64_t len = chain_readable(&r->chain) - sizeof(struct header);

	r->job.op = DISK_WRITE;
	r->job.nspans = chain_readable_spans(&r->chain, sizeof(struct header), len, r->span);
	return place(b, &r->job, sector, len);
}

static int ask_flush(const struct blk *b, struct blk_req *r, uint64_t sector)
{
	(void)b;
	(void)sector;
	r->job.op = DISK_FLUSH;
	return SUBMIT;
}

static int ask_id(const struct blk *b, struct blk_req *r, uint64_t sector)
{
	(void)sector;
	if (r->room < BLK_SERIAL)
		return S_IOERR;
	chain_write(&r->chain, b->serial, BLK_SERIAL);
	return S_OK;
}

static int ask_segment(const struct blk *b, struct blk_req *r, uint32_t flags, uint32_t most)
{
	struct segment s;

	if (chain_readable(&r->chain) != sizeof(struct header) + sizeof(s))
		return S_IOERR; /* we said one at a time */
	chain_read(&r->chain, sizeof(struct header), &s, sizeof(s));
	if (s.flags & ~flags)
		return S_UNSUPP;
	if (s.count == 0 || s.count > most)
		return S_IOERR;
	r->job.may_free = s.flags & UNMAP;
	return place(b, &r->job, s.sector, (uint64_t)s.count * DISK_SECTOR);
}

static int ask_discard(const struct blk *b, struct blk_req *r, uint64_t sector)
{
	(void)sector;
	r->job.op = DISK_FREE;
	return ask_segment(b, r, 0, BLK_FREE_MOST);
}

static int ask_zeroes(const struct blk *b, struct blk_req *r, uint64_t sector)
{
	(void)sector;
	r->job.op = DISK_ZERO;
	return ask_segment(b, r, UNMAP, BLK_ZERO_MOST);
}

/* ask: SUBMIT with r->job complete, or the status the guest gets at once. */
static const struct kind {
	uint32_t type;
	int changes;	  /* not of a read-only disk */
	uint64_t feature; /* that must be agreed on */
	int (*ask)(const struct blk *b, struct blk_req *r, uint64_t sector);
} kinds[] = {
	{ T_IN, 0, 0, ask_in },
	{ T_OUT, 1, 0, ask_out },
	{ T_FLUSH, 0, 0, ask_flush },
	{ T_GET_ID, 0, 0, ask_id },
	{ T_DISCARD, 1, BLK_F_DISCARD, ask_discard },
	{ T_WRITE_ZEROES, 1, BLK_F_WRITE_ZEROES, ask_zeroes },
};

static int ask(const struct blk *b, struct blk_req *r, const struct header *h)
{
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (k->type != h->type)
			continue;
		if (k->changes && b->disk->readonly)
			return S_IOERR; /* section 5.2.6.2, also where it ignored F_RO */
		if (k->feature & ~b->dev.driver_features)
			return S_UNSUPP;
		return k->ask(b, r, h->sector);
	}
	return S_UNSUPP;
}

/* --- requests ------------------------------------------------------------------------------- */

/* filled: data bytes written for the guest. */
static void answer(struct blk *b, struct blk_req *r, int status, uint64_t filled)
{
	*r->status = (uint8_t)status;
	/* "len" counts from the front without a gap: section 2.7.8.2. */
	vq_push(&b->dev.vq[QUEUE], &r->chain, (uint32_t)(filled == r->room ? filled + 1 : filled));
}

static uint8_t *last_byte(const struct chain *c)
{
	unsigned i = c->nread + c->nwrite;

	while (c->iov[i - 1].iov_len == 0)
		i--;
	return (uint8_t *)c->iov[i - 1].iov_base + c->iov[i - 1].iov_len - 1;
}

/* The header is all the device reads first, the status the last byte it writes, however the
 * driver cut its buffers (section 2.7.4). -EPROTO: there is no place for one of them. */
static int frame(struct blk_req *r, struct header *h)
{
	uint64_t writable = chain_writable(&r->chain);

	if (writable == 0 || chain_read(&r->chain, 0, h, sizeof(*h)) < sizeof(*h))
		return -EPROTO;
	r->type = h->type;
	r->room = writable - 1;
	r->status = last_byte(&r->chain);
	return 0;
}

/* 1: the disk is to do it; 0: it is answered; -EPROTO. */
static int take(struct blk *b, struct blk_req *r)
{
	struct header h;
	int status;

	if (frame(r, &h) < 0)
		return -EPROTO;
	r->job = (struct disk_job){ .iov = r->span };
	/* A driver that does not know of caches gets none: section 5.2.6.2. */
	r->job.through = !(b->dev.driver_features & BLK_F_FLUSH);
	status = ask(b, r, &h);
	if (status == SUBMIT)
		return 1;
	answer(b, r, status, status == S_OK && h.type == T_GET_ID ? BLK_SERIAL : 0);
	return 0;
}

static struct blk_req *free_req(struct blk *b)
{
	return ~b->busy ? &b->req[__builtin_ctzll(~b->busy)] : NULL;
}

struct batch {
	struct disk_job *first, **end;
	unsigned turns;
};

/* Takes requests while there are any and room for them. 0, or -EPROTO. */
static int collect(struct blk *b, struct batch *jobs)
{
	struct vq *q = &b->dev.vq[QUEUE];
	struct blk_req *r;
	int rc;

	while ((r = free_req(b)) && jobs->turns < BUDGET) {
		if (b->host->must_wait && b->host->must_wait(b->host))
			return 0;
		rc = vq_pop(q, &r->chain);
		if (rc == 0 && vq_listen(q))
			continue;
		if (rc <= 0)
			return rc;
		jobs->turns++;
		rc = take(b, r);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		if (b->host->spent)
			b->host->spent(b->host, r->job.op == DISK_FREE ? 0 : r->job.len);
		b->busy |= 1ull << (r - b->req);
		*jobs->end = &r->job;
		jobs->end = &r->job.next;
	}
	return 0;
}

static int blk_notify(struct vdev *dev, unsigned q)
{
	struct blk *b = CONTAINER(dev, struct blk, dev);
	struct batch jobs = { .end = &jobs.first };
	int rc;

	vq_ignore(&dev->vq[q]);
	rc = collect(b, &jobs);
	if (jobs.first)
		b->host->submit(b->host, jobs.first);
	vdev_signal(dev, q);
	return rc == 0 && jobs.turns == BUDGET ? 1 : rc;
}

/* --- results -------------------------------------------------------------------------------- */

/* A guest can have as many as it likes: the first is told, and then each power of two. */
static void tell_error(struct blk *b, const struct blk_req *r)
{
	static const char *const verbs[] = {
		[DISK_READ] = "read",	 [DISK_WRITE] = "write", [DISK_FLUSH] = "flush",
		[DISK_FREE] = "discard", [DISK_ZERO] = "zero",
	};

	if (!(b->told >> r->job.op & 1) && b->host->failed)
		b->host->failed(b->host, r->job.op, r->job.result);
	b->told |= 1u << r->job.op;
	b->errors++;
	if (b->errors & (b->errors - 1))
		return;
	log_warn("%s: cannot %s %" PRIu64 " bytes at %" PRIu64 ": %s errors=%" PRIu64, b->name,
		 verbs[r->job.op], r->job.len, r->job.at, strerror(-r->job.result), b->errors);
}

static void finish(struct blk *b, struct blk_req *r)
{
	int rc = r->job.result;

	b->busy &= ~(1ull << (r - b->req));
	if (rc < 0 && rc != -EOPNOTSUPP)
		tell_error(b, r);
	/* Between the driver's wish for a reset and the deed nothing of its is touched. */
	if (b->dev.reset_wanted || !b->dev.vq[QUEUE].desc)
		return;
	answer(b, r,
	       rc == 0		   ? S_OK
	       : rc == -EOPNOTSUPP ? S_UNSUPP
				   : S_IOERR,
	       rc == 0 && r->job.op == DISK_READ ? r->job.len : 0);
}

void blk_go_on(struct blk *b)
{
	vdev_notify(&b->dev, QUEUE);
}

void blk_done(struct blk *b, struct disk_job *first)
{
	while (first) {
		struct disk_job *next = first->next;

		finish(b, CONTAINER(first, struct blk_req, job));
		first = next;
	}
	vdev_signal(&b->dev, QUEUE);
	if (b->dev.reset_wanted)
		vdev_run(&b->dev);
	else
		vdev_notify(&b->dev, QUEUE); /* those that waited for room */
}

/* A job under way writes to the guest's memory and cannot be called back: the reset waits. */
static int blk_reset(struct vdev *dev)
{
	return CONTAINER(dev, struct blk, dev)->busy ? -EBUSY : 0;
}

/* --- the device ----------------------------------------------------------------------------- */

static const struct vdev_type blk_type = {
	.name = "blk",
	.id = 2,
	.nqueues = 1,
	.queue_max = BLK_QUEUE,
	.features = BLK_F_SEG_MAX | BLK_F_RO | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_DISCARD |
		    BLK_F_WRITE_ZEROES,
	.notify = blk_notify,
	.reset = blk_reset,
};

void blk_init(struct blk *b, const struct gmem *m, const struct disk *disk, const char *name,
	      const char *serial, struct blk_host *host)
{
	b->host = host;
	b->disk = disk;
	b->name = name;
	b->config = (struct blk_config){
		.capacity = disk->bytes / DISK_SECTOR,
		.seg_max = BLK_SEGS,
		.blk_size = disk->block,
		.max_discard_sectors = BLK_FREE_MOST,
		.max_discard_seg = 1,
		.discard_sector_alignment = disk->block / DISK_SECTOR,
		.max_write_zeroes_sectors = BLK_ZERO_MOST,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = disk->can_free ? 1 : 0,
	};
	memset(b->serial, 0, sizeof(b->serial));
	memcpy(b->serial, serial, MIN(strlen(serial), sizeof(b->serial)));
	vdev_init(&b->dev, &blk_type, m, &b->config, sizeof(b->config));
	if (disk->readonly)
		b->dev.features &= ~(BLK_F_DISCARD | BLK_F_WRITE_ZEROES);
	else
		b->dev.features &= ~BLK_F_RO;
	if (!disk->can_free)
		b->dev.features &= ~BLK_F_DISCARD;
}
