/*
 * balloon - the memory balloon (virtio 1.2 section 5.5): memory the guest does not need is the host's again.
 */
#include "virtio/balloon.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/util.h"

#define F_DEFLATE_ON_OOM (1ull << 2)
#define F_PAGE_REPORTING (1ull << 5)

/*
 * Where a driver looks for the queue of reports depends on who wrote it: the standard numbers queues by what a
 * device could have (4), Linux before 6.11 by what it has (2), and later ones try what QEMU has (3) when
 * the first fails. Statistics and hints, which would be in between, are not offered: so all are of reports.
 */
enum { INFLATE, DEFLATE, REPORTS, QUEUES = 5 };

/* Whole pages within it are the host's. */
static void give_back(struct balloon *b, void *at, uint64_t len)
{
	uintptr_t from = ALIGN_UP((uintptr_t)at, (uintptr_t)BALLOON_PAGE);
	uintptr_t to = ((uintptr_t)at + len) & ~(uintptr_t)(BALLOON_PAGE - 1);

	if (from >= to)
		return;
	if (madvise((void *)from, to - from, MADV_DONTNEED) == 0)
		b->returned += to - from;
	else
		log_debug("balloon: the host takes no memory back: errno=%d", errno);
}

/* Page numbers come one by one, mostly of neighbours, upwards or downwards. */
struct run {
	uint64_t first, pages;
};

static void end_run(struct balloon *b, struct run *r)
{
	uint64_t len = r->pages * BALLOON_PAGE;
	void *at = gmem_span(b->dev.mem, r->first * BALLOON_PAGE, len);

	/* A number that is none of its memory's takes its neighbours along: a driver has no such. */
	if (at)
		give_back(b, at, len);
	r->pages = 0;
}

static void add_page(struct balloon *b, struct run *r, uint32_t pfn)
{
	if (r->pages > 0 && pfn == r->first + r->pages) {
		r->pages++;
	} else if (r->pages > 0 && pfn + 1ull == r->first) {
		r->first--;
		r->pages++;
	} else {
		end_run(b, r);
		*r = (struct run){ pfn, 1 };
	}
}

/* 0 or -EPROTO. */
static int inflate(struct balloon *b, const struct chain *c)
{
	uint64_t len = chain_readable(c);
	uint32_t pfn[256];
	struct run r = { 0 };

	if (c->nwrite > 0 || len == 0 || len % sizeof(*pfn) ||
	    len > BALLOON_PFNS_MAX * sizeof(*pfn))
		return -EPROTO;
	for (size_t at = 0, got; at < len; at += got) {
		got = chain_read(c, at, pfn, MIN(len - at, sizeof(pfn)));
		for (size_t i = 0; i < got / sizeof(*pfn); i++)
			add_page(b, &r, pfn[i]);
	}
	end_run(b, &r);
	return 0;
}

/* Memory it takes back is there as soon as it is touched. */
static int deflate(struct balloon *b, const struct chain *c)
{
	(void)b;
	return c->nwrite > 0 || c->nread == 0 ? -EPROTO : 0;
}

/* Section 5.5.6.6: the pages themselves are the buffers. */
static int reported(struct balloon *b, const struct chain *c)
{
	if (c->nread > 0)
		return -EPROTO;
	for (unsigned i = 0; i < c->nwrite; i++)
		give_back(b, c->iov[i].iov_base, c->iov[i].iov_len);
	return 0;
}

/* A request a turn: it may be about gigabytes, which the host's kernel takes its time for. */
static int balloon_notify(struct vdev *dev, unsigned q)
{
	static int (*const serve[QUEUES])(struct balloon * b, const struct chain *c) = {
		[INFLATE] = inflate,	  [DEFLATE] = deflate,	    [REPORTS] = reported,
		[REPORTS + 1] = reported, [REPORTS + 2] = reported,
	};
	struct balloon *b = CONTAINER(dev, struct balloon, dev);
	struct vq *vq = &dev->vq[q];
	struct chain c;
	int rc;

	vq_ignore(vq);
	rc = vq_pop(vq, &c);
	if (rc == 0)
		return vq_listen(vq);
	if (rc > 0)
		rc = serve[q](b, &c);
	if (rc < 0)
		return rc;
	vq_push(vq, &c, 0);
	vdev_signal(dev, q);
	return 1;
}

static const struct vdev_type balloon_type = {
	.name = "balloon",
	.id = 5,
	.nqueues = QUEUES,
	.queue_max = BALLOON_QUEUE,
	.features = F_DEFLATE_ON_OOM | F_PAGE_REPORTING,
	.notify = balloon_notify,
};

void balloon_init(struct balloon *b, const struct gmem *m, uint64_t wanted_bytes)
{
	*b = (struct balloon){ .config.wanted = (uint32_t)(wanted_bytes / BALLOON_PAGE) };
	vdev_init(&b->dev, &balloon_type, m, &b->config, sizeof(b->config));
}
