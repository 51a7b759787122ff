/*
 * console - a console (virtio 1.2 section 5.3): one port, which Linux calls hvc0.
 */
#include "virtio/console.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

enum { RECEIVE, TRANSMIT, QUEUES };

int console_is_up(const struct console *c)
{
	return (c->dev.status & VDEV_DRIVER_OK) && !(c->dev.status & VDEV_NEEDS_RESET) &&
	       !c->dev.reset_wanted;
}

size_t console_receive(struct console *c, const void *data, size_t len)
{
	size_t n = MIN(len, CONSOLE_TYPED - c->typed);

	memcpy(c->in + c->typed, data, n);
	c->typed += (unsigned)n;
	if (n && c->dev.again)
		c->dev.again(&c->dev, RECEIVE);
	return n;
}

/* 1: a buffer of the guest's was filled; 0: there is none; -EPROTO. */
static int hand_over(struct console *c)
{
	struct vq *vq = &c->dev.vq[RECEIVE];
	struct chain chain;
	size_t n;
	int rc = vq_pop(vq, &chain);

	if (rc <= 0)
		return rc;
	n = chain_write(&chain, c->in, c->typed);
	if (n == 0 || chain.nread > 0)
		return -EPROTO;
	vq_push(vq, &chain, (uint32_t)n);
	c->typed -= (unsigned)n;
	memmove(c->in, c->in + n, c->typed);
	return 1;
}

static int receive(struct console *c)
{
	struct vq *vq = &c->dev.vq[RECEIVE];
	unsigned had = c->typed;
	int rc = 1;

	vq_ignore(vq);
	while (rc > 0 && c->typed > 0) {
		rc = hand_over(c);
		if (rc == 0 && vq_listen(vq))
			rc = 1;
	}
	vdev_signal(&c->dev, RECEIVE);
	if (had && c->typed == 0)
		c->host->hungry(c->host);
	return MIN(rc, 0);
}

static void pass_on(struct console *c, const struct chain *chain)
{
	char part[1024];
	size_t at = 0, n;

	while ((n = chain_read(chain, at, part, sizeof(part))) > 0) {
		c->host->said(c->host, part, n);
		at += n;
	}
}

/* A request a turn: it may be a long one. */
static int transmit(struct console *c)
{
	struct vq *vq = &c->dev.vq[TRANSMIT];
	struct chain chain;
	int rc;

	vq_ignore(vq);
	rc = vq_pop(vq, &chain);
	if (rc == 0)
		return vq_listen(vq);
	if (rc < 0 || chain.nwrite > 0)
		return -EPROTO;
	pass_on(c, &chain);
	vq_push(vq, &chain, 0);
	vdev_signal(&c->dev, TRANSMIT);
	return 1;
}

static int console_notify(struct vdev *dev, unsigned q)
{
	struct console *c = CONTAINER(dev, struct console, dev);

	return q == RECEIVE ? receive(c) : transmit(c);
}

/* What was typed to a driver that has gone is nobody's. */
static int console_reset(struct vdev *dev)
{
	struct console *c = CONTAINER(dev, struct console, dev);

	c->typed = 0;
	c->host->hungry(c->host);
	return 0;
}

static const struct vdev_type console_type = {
	.name = "console",
	.id = 3,
	.nqueues = QUEUES,
	.queue_max = CONSOLE_QUEUE,
	.notify = console_notify,
	.reset = console_reset,
};

void console_init(struct console *c, const struct gmem *m, struct console_host *h)
{
	*c = (struct console){ .host = h };
	vdev_init(&c->dev, &console_type, m, c->config, sizeof(c->config));
}
