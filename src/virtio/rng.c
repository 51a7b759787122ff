/*
 * rng - the entropy device (virtio 1.2 section 5.4): the host's random bytes for the guest.
 */
#include "virtio/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "base/util.h"

/* Bytes filled: less than len where the host has no more to give at once. */
static size_t fill(const struct chain *c, size_t len)
{
	struct iovec span[VQ_SEGS];
	unsigned n = chain_writable_spans(c, 0, len, span);
	size_t filled = 0;

	for (unsigned i = 0; i < n; i++) {
		ssize_t got = getrandom(span[i].iov_base, span[i].iov_len, 0);

		if (got > 0)
			filled += (size_t)got;
		if (got < (ssize_t)span[i].iov_len)
			break; /* "len" counts from the front without a gap */
	}
	return filled;
}

/* 1: a request was answered; 0: there is none; -EPROTO. */
static int serve(struct vq *q, size_t *given)
{
	struct chain c;
	size_t room;
	int rc = vq_pop(q, &c);

	if (rc <= 0)
		return rc;
	room = (size_t)MIN(chain_writable(&c), (uint64_t)RNG_MOST);
	if (room == 0 || c.nread > 0) /* section 5.4.6.1 */
		return -EPROTO;
	room = fill(&c, room);
	vq_push(q, &c, (uint32_t)room);
	*given += room;
	return 1;
}

static int rng_notify(struct vdev *dev, unsigned q)
{
	struct vq *vq = &dev->vq[q];
	unsigned turns = 0;
	size_t given = 0;
	int rc;

	vq_ignore(vq);
	do {
		rc = serve(vq, &given);
		if (rc == 0 && vq_listen(vq))
			rc = 1;
	} while (rc > 0 && given < RNG_MOST && ++turns < RNG_QUEUE);
	vdev_signal(dev, q);
	return rc;
}

static const struct vdev_type rng_type = {
	.name = "rng",
	.id = 4,
	.nqueues = 1,
	.queue_max = RNG_QUEUE,
	.notify = rng_notify,
};

void rng_init(struct rng *r, const struct gmem *m)
{
	vdev_init(&r->dev, &rng_type, m, NULL, 0);
}
