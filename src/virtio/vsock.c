/*
 * vsock - the socket device (virtio 1.2 section 5.10): its queues, and what the host side noticed.
 */
#include "virtio/vsock.h"

#include <errno.h>

#include "base/util.h"
#include "virtio/vsock_parts.h"

enum {
	HOST_PORT_FIRST = 1u << 30, /* as Firecracker numbers the host's own ports */
	HOST_PORT_LAST = (1u << 31) - 1,
};

#define VSOCK_F_SEQPACKET (1ull << 1) /* streams are there without a feature */

static int vsock_notify(struct vdev *dev, unsigned q)
{
	struct vsock *v = CONTAINER(dev, struct vsock, dev);
	int took = 0, sent = 0;

	if (q == QUEUE_TX)
		took = vsocktx_take(v);
	/* The event queue only holds buffers for events we have not got. */
	if (took >= 0 && q != QUEUE_EVENT)
		sent = vsockrx_pump(v);
	return sent < 0 || took == 0 ? sent : took;
}

static int vsock_reset(struct vdev *dev)
{
	struct vsock *v = CONTAINER(dev, struct vsock, dev);

	v->resets = 0;
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		if (v->conns.conn[i].state != VCONN_FREE)
			vconn_move(v, &v->conns.conn[i], VCONN_FREE);
	return 0;
}

static const struct vdev_type vsock_type = {
	.name = "vsock",
	.id = 19,
	.nqueues = 3,
	.queue_max = 256,
	.features = VSOCK_F_SEQPACKET,
	.notify = vsock_notify,
	.reset = vsock_reset,
};

void vsock_init(struct vsock *v, const struct gmem *m, uint64_t guest_cid, struct vsock_host *host,
		void *buffers)
{
	*v = (struct vsock){
		.host = host,
		.guest_cid = guest_cid,
		.next_port = HOST_PORT_FIRST,
	};
	vconns_init(&v->conns, buffers);
	vdev_init(&v->dev, &vsock_type, m, &v->guest_cid, sizeof(v->guest_cid));
}

int vsock_has_messages(const struct vsock *v)
{
	return !!(v->dev.driver_features & VSOCK_F_SEQPACKET);
}

struct vconn *vsock_take(struct vsock *v, uint32_t guest_port, uint32_t host_port,
			 enum vsock_type type)
{
	struct vconn *c = vconns_take(&v->conns, guest_port, host_port);

	if (!c)
		return NULL;
	c->type = (uint8_t)type;
	c->window = type == VSOCK_STREAM ? VSOCK_BUF : MIN(v->host->message_max, VSOCK_BUF);
	return c;
}

int vsock_reserve(struct vsock *v, uint32_t guest_port, enum vsock_type type)
{
	struct vconn *c;

	do {
		if (++v->next_port > HOST_PORT_LAST)
			v->next_port = HOST_PORT_FIRST;
	} while (vconns_find(&v->conns, guest_port, v->next_port));
	c = vsock_take(v, guest_port, v->next_port, type);
	if (!c)
		return -ENFILE;
	c->state = VCONN_DIALING;
	return (int)vconn_index(v, c);
}

void vsock_dial(struct vsock *v, unsigned conn)
{
	v->host->after(v->host, conn, VSOCK_ANSWER_MS);
	vconn_owe(v, &v->conns.conn[conn], TODO_REQUEST);
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_readable(struct vsock *v, unsigned conn)
{
	struct vconn *c = &v->conns.conn[conn];

	c->readable = 1;
	/* What can be sent at once needs no wait that is called off and then asked for again. */
	if (vconn_may_send_data(c))
		vconns_enqueue(&v->conns, c);
	else
		vconn_refresh(v, c);
	vdev_notify(&v->dev, QUEUE_RX);
	if (c->state != VCONN_FREE)
		vconn_refresh(v, c);
}

void vsock_writable(struct vsock *v, unsigned conn)
{
	struct vconn *c = &v->conns.conn[conn];

	vconn_flush(v, c);
	if (c->state != VCONN_FREE)
		vconn_refresh(v, c);
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_hung_up(struct vsock *v, unsigned conn)
{
	struct vconn *c = &v->conns.conn[conn];

	if (c->state == VCONN_DIALING) {
		vconn_reset(v, c);
	} else {
		c->readable = 1; /* bytes, or the end: read(2) tells */
		vconn_broke(v, c);
		if (c->state != VCONN_FREE)
			vconn_refresh(v, c);
	}
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_timeout(struct vsock *v, unsigned conn)
{
	vconn_reset(v, &v->conns.conn[conn]);
	vdev_notify(&v->dev, QUEUE_RX);
}

int vsock_drain(struct vsock *v)
{
	int waiting = 0;

	vdev_notify(&v->dev, QUEUE_TX);
	for (unsigned i = 0; i < VSOCK_CONNS; i++) {
		struct vconn *c = &v->conns.conn[i];

		if (c->state == VCONN_FREE || vconn_waiting(c) == 0)
			continue;
		vconn_flush(v, c);
		waiting += c->state != VCONN_FREE && vconn_waiting(c) > 0;
	}
	return waiting;
}
