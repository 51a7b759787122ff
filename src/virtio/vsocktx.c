/*
 * vsocktx - what the guest sends on its sockets, packet by packet.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/util.h"
#include "virtio/vsock_parts.h"

/* --- data ----------------------------------------------------------------------------------- */

/* Straight to the host, while nothing waits that goes before it; as write(2), and -EAGAIN for nothing. */
static ssize_t write_chain(struct vsock *v, struct vconn *c, const struct chain *chain, size_t len,
			   int most)
{
	struct iovec span[VQ_SEGS];
	unsigned n = chain_readable_spans(chain, sizeof(struct header), len, span);

	if (c->out.len > 0 || n == 0)
		return -EAGAIN;
	return v->host->write(v->host, vconn_index(v, c), span, MIN((int)n, most));
}

static void keep(struct vconn *c, const struct chain *chain, size_t skip, size_t len)
{
	struct iovec span[VQ_SEGS];
	unsigned n = chain_readable_spans(chain, sizeof(struct header) + skip, len - skip, span);

	for (unsigned i = 0; i < n; i++)
		fifo_put(&c->out, span[i].iov_base, span[i].iov_len);
}

static void take_bytes(struct vsock *v, struct vconn *c, const struct chain *chain, size_t len)
{
	ssize_t done = write_chain(v, c, chain, len, 64);

	if (done < 0 && done != -EAGAIN) {
		vconn_broke(v, c); /* which counts them as taken */
		return;
	}
	if (done > 0)
		vconn_consumed(v, c, (size_t)done);
	keep(c, chain, (size_t)MAX(done, 0), len);
}

/* A message that waits for its end; one that fills the window and has none will never get it. */
static void take_part(struct vsock *v, struct vconn *c, const struct chain *chain, size_t len)
{
	keep(c, chain, 0, len);
	ends_grew(&c->ends, len);
	if (c->ends.open < c->window) {
		vconn_tell_credit(v, c);
		return;
	}
	log_debug("vsock: the guest's message from port %u is longer than it may be: reset",
		  c->guest_port);
	vconn_reset(v, c);
}

/* The last part of one, or the whole. One of no bytes is dropped: on a unix socket it would read as the
 * end. */
static void take_last_part(struct vsock *v, struct vconn *c, const struct chain *chain, size_t len)
{
	int is_first = vconn_waiting(c) == 0;
	ssize_t done = write_chain(v, c, chain, len, VQ_SEGS);

	if (done < 0 && done != -EAGAIN) {
		vconn_broke(v, c);
		return;
	}
	if (done > 0) {
		vconn_consumed(v, c, (size_t)done);
		return;
	}
	keep(c, chain, 0, len);
	ends_grew(&c->ends, len);
	ends_mark(&c->ends, &c->out);
	if (is_first)
		vconn_flush(v, c);
}

static void op_rw(struct vsock *v, struct vconn *c, const struct chain *chain,
		  const struct header *h)
{
	if (c->state != VCONN_OPEN || c->guest_shut & SHUT_SEND ||
	    h->len > c->window - (c->rx - c->fwd)) {
		vconn_reset(v, c); /* it sends more than it was given credit for, or after its end */
		return;
	}
	c->rx += h->len;
	if (c->host_gone)
		vconn_consumed(v, c, h->len);
	else if (c->type == VSOCK_STREAM)
		take_bytes(v, c, chain, h->len);
	else if (h->flags & SEQ_EOM)
		take_last_part(v, c, chain, h->len);
	else
		take_part(v, c, chain, h->len);
	if (c->state == VCONN_OPEN)
		vconn_refresh(v, c);
}

/* --- control -------------------------------------------------------------------------------- */

static void refuse(struct vsock *v, const struct header *h)
{
	if (h->op != OP_RST)
		vconn_owe_reset(v, h->src_port, h->dst_port, h->type);
}

static void op_request(struct vsock *v, const struct header *h)
{
	struct vconn *c = vsock_take(v, h->src_port, h->dst_port, (enum vsock_type)h->type);

	if (!c) {
		refuse(v, h);
		return;
	}
	c->peer_buf = h->buf_alloc;
	c->peer_fwd = h->fwd_cnt;
	c->state = VCONN_OPEN;
	if (v->host->dial(v->host, vconn_index(v, c), h->dst_port, (enum vsock_type)h->type) < 0) {
		vconn_reset(v, c);
		return;
	}
	vconn_owe(v, c, TODO_RESPONSE);
	vconn_refresh(v, c);
}

static void op_response(struct vsock *v, struct vconn *c)
{
	if (c->state != VCONN_DIALING || c->todo & TODO_REQUEST) {
		vconn_reset(v, c);
		return;
	}
	vconn_move(v, c, VCONN_OPEN);
	v->host->after(v->host, vconn_index(v, c), 0);
	v->host->accepted(v->host, vconn_index(v, c), c->host_port);
	vconn_refresh(v, c);
}

static void op_rst(struct vsock *v, struct vconn *c)
{
	if (c->state == VCONN_OPEN && vconn_waiting(c) > 0 && !c->host_gone) {
		vconns_dequeue(&v->conns, c);
		c->todo = 0;
		v->host->after(v->host, vconn_index(v, c), 0);
		vconn_move(v, c, VCONN_DRAINING);
		vconn_refresh(v, c);
	} else {
		vconn_move(v, c, VCONN_FREE);
	}
}

static void op_shutdown(struct vsock *v, struct vconn *c, uint32_t flags)
{
	uint8_t before = c->guest_shut;

	c->guest_shut |= flags & SHUT_BOTH;
	if ((c->guest_shut & ~before) & SHUT_RCV)
		v->host->shut(v->host, vconn_index(v, c), SHUT_RD);
	if (c->guest_shut != before)
		vconn_ended(v, c);
	if (c->state == VCONN_OPEN)
		vconn_refresh(v, c);
}

static int is_agreed(const struct vsock *v, uint16_t type)
{
	return type == VSOCK_STREAM || (type == VSOCK_SEQPACKET && vsock_has_messages(v));
}

/* Of no connection, or none that is one of this. */
static void stray(struct vsock *v, struct vconn *c, const struct header *h)
{
	if (!c)
		refuse(v, h);
	else if (h->op == OP_RST)
		vconn_move(v, c, VCONN_FREE);
	else
		vconn_reset(v, c);
}

static void packet(struct vsock *v, const struct chain *chain)
{
	struct header h;
	struct vconn *c;

	if (chain_read(chain, 0, &h, sizeof(h)) < sizeof(h) || h.src_cid != v->guest_cid ||
	    h.dst_cid != HOST_CID)
		return;
	c = vconns_find(&v->conns, h.src_port, h.dst_port);
	if (h.len > chain_readable(chain) - sizeof(h) ||
	    (c ? h.type != c->type : h.op != OP_REQUEST || !is_agreed(v, h.type))) {
		stray(v, c, &h);
		return;
	}
	if (c) {
		c->peer_buf = h.buf_alloc;
		c->peer_fwd = h.fwd_cnt;
	}
	switch (h.op) {
	case OP_REQUEST:
		if (c)
			vconn_reset(v, c);
		else
			op_request(v, &h);
		break;
	case OP_RESPONSE:
		op_response(v, c);
		break;
	case OP_RST:
		op_rst(v, c);
		break;
	case OP_SHUTDOWN:
		op_shutdown(v, c, h.flags);
		break;
	case OP_RW:
		op_rw(v, c, chain, &h);
		break;
	case OP_CREDIT_REQUEST:
		vconn_owe(v, c, TODO_CREDIT);
		break;
	case OP_CREDIT_UPDATE:
		vconn_refresh(v, c);
		break;
	default:
		vconn_reset(v, c);
	}
}

int vsocktx_take(struct vsock *v)
{
	struct vq *tx = &v->dev.vq[QUEUE_TX];
	struct chain chain;
	int rc, turn = 0;

	vq_ignore(tx);
	do {
		while (turn++ < BUDGET && (rc = vq_pop(tx, &chain)) > 0) {
			packet(v, &chain);
			vq_push(tx, &chain, 0);
		}
	} while (turn <= BUDGET && rc == 0 && vq_listen(tx));
	vdev_signal(&v->dev, QUEUE_TX);
	return turn > BUDGET ? 1 : rc;
}
