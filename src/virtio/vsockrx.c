/*
 * vsockrx - what the guest is sent on its sockets: one packet for each buffer it has put up.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "virtio/vsock_parts.h"

enum { OFFER_SPANS = 64 }; /* of one readv(2) */

static struct header header_for(const struct vsock *v, uint32_t guest_port, uint32_t host_port,
				uint16_t type, uint16_t op)
{
	return (struct header){
		.src_cid = HOST_CID,
		.dst_cid = v->guest_cid,
		.src_port = host_port,
		.dst_port = guest_port,
		.type = type,
		.op = op,
	};
}

static struct header conn_header(const struct vsock *v, struct vconn *c, uint16_t op)
{
	struct header h = header_for(v, c->guest_port, c->host_port, c->type, op);

	h.buf_alloc = c->window;
	h.fwd_cnt = c->fwd;
	c->fwd_told = c->fwd;
	c->todo &= (uint8_t)~TODO_CREDIT; /* every packet carries the news */
	return h;
}

static void push_header(struct vsock *v, const struct chain *chain, const struct header *h)
{
	chain_write(chain, h, sizeof(*h));
	vq_push(&v->dev.vq[QUEUE_RX], chain, (uint32_t)(sizeof(*h) + h->len));
}

static size_t data_room(const struct chain *chain)
{
	uint64_t room = chain_writable(chain);

	return room <= sizeof(struct header) ? 0 : MIN(room - sizeof(struct header), VSOCK_PACKET);
}

/* --- control -------------------------------------------------------------------------------- */

static void send_control(struct vsock *v, struct vconn *c, const struct chain *chain)
{
	static const struct {
		uint8_t todo;
		uint16_t op;
	} order[] = {
		{ TODO_REQUEST, OP_REQUEST },	   { TODO_RESPONSE, OP_RESPONSE },
		{ TODO_CREDIT, OP_CREDIT_UPDATE }, { TODO_ASK, OP_CREDIT_REQUEST },
		{ TODO_SHUTDOWN, OP_SHUTDOWN },
	};

	for (unsigned i = 0; i < COUNT(order); i++) {
		struct header h;

		if (!(c->todo & order[i].todo))
			continue;
		c->todo &= (uint8_t)~order[i].todo;
		h = conn_header(v, c, order[i].op);
		if (h.op == OP_SHUTDOWN)
			h.flags = c->host_shut;
		push_header(v, chain, &h);
		return;
	}
}

static void send_reset(struct vsock *v, const struct chain *chain)
{
	struct header h = header_for(v, v->reset[0].guest_port, v->reset[0].host_port,
				     v->reset[0].type, OP_RST);

	memmove(v->reset, v->reset + 1, --v->resets * sizeof(v->reset[0]));
	push_header(v, chain, &h);
}

/* --- streams -------------------------------------------------------------------------------- */

/* What one read may fill: buffers of the guest, of which the first was popped by the caller. */
struct offer {
	unsigned chains, spans;
	size_t room, most;
	struct iovec span[OFFER_SPANS + VQ_SEGS];
};

static void offer_chain(struct offer *o, const struct chain *chain)
{
	size_t len = MIN(data_room(chain), o->most - o->room);
	unsigned n = chain_writable_spans(chain, sizeof(struct header), len, o->span + o->spans);

	o->spans += n;
	o->room += len;
	o->chains++;
}

/* As many more as the connection has appetite for. One that is none is left to be met as the first
 * of the next read, and to break the device there. */
static void offer_more(struct vsock *v, const struct vconn *c, struct offer *o)
{
	struct vq *rx = &v->dev.vq[QUEUE_RX];

	while (o->chains < c->appetite && o->room < o->most && o->spans < OFFER_SPANS) {
		struct chain *chain = &v->chain[o->chains];

		if (vq_pop(rx, chain) <= 0)
			return;
		if (data_room(chain) == 0) {
			vq_unpop(rx);
			return;
		}
		offer_chain(o, chain);
	}
}

/* Each buffer that was reached becomes a packet; the others go back. */
static void push_data(struct vsock *v, struct vconn *c, unsigned chains, size_t len)
{
	unsigned used = 0;

	for (; len > 0; used++) {
		struct header h = conn_header(v, c, OP_RW);

		h.len = (uint32_t)MIN(len, data_room(&v->chain[used]));
		push_header(v, &v->chain[used], &h);
		len -= h.len;
	}
	for (; used < chains; used++)
		vq_unpop(&v->dev.vq[QUEUE_RX]);
}

/* The host had nothing: for now, or, by its answer, for ever. */
static void nothing_read(struct vsock *v, struct vconn *c, ssize_t got)
{
	c->readable = 0;
	c->appetite = 1;
	if (got != -EAGAIN)
		vconn_shut(v, c, c->host_gone || got < 0 ? SHUT_BOTH : SHUT_SEND);
}

/* The host's bytes go straight into the guest's buffers. A stream that fills all it is offered is
 * offered twice as many: one read for a burst, and one buffer for a keystroke. */
static void send_bytes(struct vsock *v, struct vconn *c)
{
	struct offer o;
	ssize_t got;

	o.chains = o.spans = 0;
	o.room = 0;
	o.most = vconn_credit(c);
	offer_chain(&o, &v->chain[0]);
	offer_more(v, c, &o);
	got = v->host->read(v->host, vconn_index(v, c), o.span, (int)MIN(o.spans, OFFER_SPANS));
	push_data(v, c, o.chains, (size_t)MAX(got, 0));
	if (got > 0) {
		c->tx += (uint32_t)got;
		c->appetite = (size_t)got < o.room ? 1 : MIN(c->appetite * 2, VSOCK_BATCH);
		/* Less than it was offered: that was all, and another read would say so. But of one that
		 * hung up the loop tells no more. */
		if ((size_t)got < o.room && !c->host_gone)
			c->readable = 0;
		return;
	}
	nothing_read(v, c, got);
}

/* --- messages ------------------------------------------------------------------------------- */

/* Reads the host's next message, whole: a reader that took its beginning would lose the rest. One that
 * the guest has no room for even with all read would stop the connection for good, so that ends it.
 * Nonzero: there is one. */
static int next_message(struct vsock *v, struct vconn *c)
{
	ssize_t got = v->host->receive(v->host, vconn_index(v, c), c->in.mem, c->in.cap);

	if (got <= 0) {
		nothing_read(v, c, got);
		return 0;
	}
	if ((size_t)got > MIN(c->in.cap, c->peer_buf)) {
		log_warn("vsock: a message of %zu bytes is longer than the guest's port %u can take: reset",
			 (size_t)got, c->guest_port);
		vconn_reset(v, c);
		return 0;
	}
	fifo_grew(&c->in, (size_t)got);
	return 1;
}

/* As much of a message as the buffer and the guest's credit hold. */
static void send_part(struct vsock *v, struct vconn *c, const struct chain *chain)
{
	struct iovec from[2], to[VQ_SEGS];
	struct header h;
	unsigned n;

	if (c->in.len == 0 && !next_message(v, c)) {
		vq_unpop(&v->dev.vq[QUEUE_RX]);
		return;
	}
	h = conn_header(v, c, OP_RW);
	h.len = (uint32_t)MIN(c->in.len, MIN(data_room(chain), vconn_credit(c)));
	h.flags = h.len == c->in.len ? SEQ_EOM : 0;
	c->tx += h.len;
	n = chain_writable_spans(chain, sizeof(h), h.len, to);
	for (unsigned i = 0; i < n; i++) {
		fifo_spans(&c->in, from); /* one: it began empty */
		memcpy(to[i].iov_base, from[0].iov_base, to[i].iov_len);
		fifo_drop(&c->in, to[i].iov_len);
	}
	push_header(v, chain, &h);
}

/* --- all ------------------------------------------------------------------------------------ */

/* One turn of the connection at the head of the line, with the guest's buffer `chain`. */
static void serve_first(struct vsock *v, const struct chain *chain)
{
	struct vconn *c = vconns_next(&v->conns);

	if (c->todo & TODO_REQUEST && c->type == VSOCK_SEQPACKET && !vsock_has_messages(v)) {
		vq_unpop(&v->dev.vq[QUEUE_RX]);
		vconn_reset(v, c);
		return;
	}
	/* Control packets other than the end go before data; the end goes behind it. */
	if (c->todo & (uint8_t)~TODO_SHUTDOWN || (c->todo && !vconn_may_send_data(c)))
		send_control(v, c, chain);
	else if (!vconn_may_send_data(c))
		vq_unpop(&v->dev.vq[QUEUE_RX]);
	else if (c->type == VSOCK_STREAM)
		send_bytes(v, c);
	else
		send_part(v, c, chain);
	if (c->state != VCONN_FREE)
		vconn_refresh(v, c);
}

int vsockrx_pump(struct vsock *v)
{
	struct vq *rx = &v->dev.vq[QUEUE_RX];
	struct chain *chain = &v->chain[0];
	uint16_t first = rx->next_used;
	int rc = 0;

	while (rc == 0 && (v->resets > 0 || v->conns.ready != VSOCK_NONE)) {
		if ((uint16_t)(rx->next_used - first) >= BUDGET) {
			rc = 1;
			break;
		}
		rc = vq_pop(rx, chain);
		if (rc < 0 || (rc == 0 && !vq_listen(rx)))
			break;
		if (rc == 0)
			continue; /* a buffer came while we asked to be told of one */
		vq_ignore(rx);
		rc = 0;
		if (data_room(chain) == 0)
			rc = -EPROTO; /* no room for a byte: section 5.10.6.1 */
		else if (v->resets > 0)
			send_reset(v, chain);
		else
			serve_first(v, chain);
	}
	vdev_signal(&v->dev, QUEUE_RX);
	return rc;
}
