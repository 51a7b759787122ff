/*
 * vsock - the socket device (virtio 1.2 section 5.10): streams between guest and host.
 */
#include "virtio/vsock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT };

enum {
	HOST_CID = 2,
	HOST_PORT_FIRST = 1u << 30, /* as Firecracker numbers the host's own ports */
	HOST_PORT_LAST = (1u << 31) - 1,

	TYPE_STREAM = 1,

	OP_REQUEST = 1,
	OP_RESPONSE = 2,
	OP_RST = 3,
	OP_SHUTDOWN = 4,
	OP_RW = 5,
	OP_CREDIT_UPDATE = 6,
	OP_CREDIT_REQUEST = 7,

	/* header.flags of OP_SHUTDOWN: what the sender will no longer do */
	SHUT_RCV = 1,
	SHUT_SEND = 2,
	SHUT_BOTH = 3,

	/* vconn.todo, sent in this order */
	TODO_REQUEST = 1,
	TODO_RESPONSE = 2,
	TODO_CREDIT = 4,
	TODO_ASK = 8, /* for news of the guest's buffer */
	TODO_SHUTDOWN = 16,

	OFFER_SPANS = 64, /* of one readv(2) */

	BUDGET = 256, /* packets a turn: a busy guest must not keep the loop to itself */
};

/* Section 5.10.6. */
struct header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 44, "virtio 1.2 section 5.10.6");

static unsigned index_of(const struct vsock *v, const struct vconn *c)
{
	return vconns_index(&v->conns, c);
}

static void set_state(struct vsock *v, struct vconn *c, enum vconn_state to)
{
	if (c->state == VCONN_DIALING || c->state == VCONN_OPEN)
		if (to == VCONN_DRAINING || to == VCONN_FREE)
			vconns_forget(&v->conns, c);
	c->state = (uint8_t)to;
	if (to != VCONN_FREE)
		return;
	vconns_dequeue(&v->conns, c);
	vconns_give_back(&v->conns, c);
	v->host->close(v->host, index_of(v, c));
}

/* --- what a connection may do --------------------------------------------------------------- */

/* Bytes the guest has room for. Its numbers are its own affair, but not beyond 2^31: a window
 * that shrank below what is under way counts as closed (section 5.10.6.3). */
static uint32_t credit(const struct vconn *c)
{
	uint32_t under_way = c->tx - c->peer_fwd;

	return under_way < c->peer_buf ? c->peer_buf - under_way : 0;
}

static int may_send_data(const struct vconn *c)
{
	return c->state == VCONN_OPEN && c->readable && !(c->guest_shut & SHUT_RCV) &&
	       !(c->host_shut & SHUT_SEND) && !(c->todo & TODO_RESPONSE) && credit(c) > 0;
}

/* Puts the connection in line if it has something for the guest, and asks the host side for what
 * would let it go on. Reading is asked for only while the bytes could go somewhere: a level-
 * triggered wait for bytes that must lie spins. */
static void refresh(struct vsock *v, struct vconn *c)
{
	int in = c->state == VCONN_OPEN && !c->readable && !(c->guest_shut & SHUT_RCV) &&
		 !(c->host_shut & SHUT_SEND);
	int out = c->out.len > 0;

	/* Asked once per closed window: a guest whose reader sleeps would answer for ever. */
	if (credit(c) > 0) {
		c->asked = 0;
	} else if (c->state == VCONN_OPEN && c->readable && !c->asked) {
		c->asked = 1;
		c->todo |= TODO_ASK;
	}
	if (c->todo || may_send_data(c))
		vconns_enqueue(&v->conns, c);
	if (in != c->wants_in || out != c->wants_out)
		v->host->want(v->host, index_of(v, c), in, out);
	c->wants_in = (uint8_t)in;
	c->wants_out = (uint8_t)out;
}

static void owe(struct vsock *v, struct vconn *c, uint8_t what)
{
	c->todo |= what;
	vconns_enqueue(&v->conns, c);
}

/* When the line is full the guest's own timeout has to do. */
static void owe_reset(struct vsock *v, uint32_t guest_port, uint32_t host_port, uint16_t type)
{
	if (v->resets == VSOCK_RESETS)
		return;
	v->reset[v->resets].guest_port = guest_port;
	v->reset[v->resets].host_port = host_port;
	v->reset[v->resets++].type = type;
}

/* The guest hears of it once more, then the connection is nobody's. */
static void reset_both(struct vsock *v, struct vconn *c)
{
	/* Unless the guest never heard of it, or its ports are free for another by now. */
	if (!(c->todo & TODO_REQUEST) && c->state != VCONN_DRAINING)
		owe_reset(v, c->guest_port, c->host_port, TYPE_STREAM);
	set_state(v, c, VCONN_FREE);
}

static void shut_for_guest(struct vsock *v, struct vconn *c, uint8_t flags)
{
	if ((c->host_shut & flags) == flags)
		return;
	c->host_shut |= flags;
	owe(v, c, TODO_SHUTDOWN);
	if (c->host_shut == SHUT_BOTH)
		v->host->after(v->host, index_of(v, c), VSOCK_PATIENCE_MS);
}

/* The host broke off: nothing more can be written there. */
static void host_broke(struct vsock *v, struct vconn *c)
{
	c->host_gone = 1;
	fifo_drop(&c->out, c->out.len);
	c->fwd = c->rx;
	if (c->state == VCONN_DRAINING)
		set_state(v, c, VCONN_FREE);
	else if (c->guest_shut == SHUT_BOTH)
		reset_both(v, c); /* it only waited for its bytes to be written */
	else if (c->guest_shut & SHUT_RCV)
		shut_for_guest(v, c, SHUT_BOTH);
	else
		/* What the host sent before is still read; the end follows when read(2) says so. */
		shut_for_guest(v, c, SHUT_RCV);
}

/* Everything the guest sent is written: what was waiting for that happens now. */
static void drained(struct vsock *v, struct vconn *c)
{
	if (c->state == VCONN_DRAINING) {
		set_state(v, c, VCONN_FREE);
		return;
	}
	if (c->guest_shut == SHUT_BOTH) {
		reset_both(v, c); /* the RST that ends an orderly close: section 5.10.6.5 */
		return;
	}
	if (c->guest_shut & SHUT_SEND)
		v->host->shut(v->host, index_of(v, c), SHUT_WR);
}

/* --- guest to host -------------------------------------------------------------------------- */

static void consumed(struct vsock *v, struct vconn *c, size_t len)
{
	c->fwd += (uint32_t)len;
	/* Told early enough that a busy guest never stops for want of news. */
	if (c->state == VCONN_OPEN && c->rx - c->fwd_told > VSOCK_BUF / 2)
		owe(v, c, TODO_CREDIT);
}

/* Writes what can be written now. Nonzero: the connection is gone. */
static int flush(struct vsock *v, struct vconn *c)
{
	while (c->out.len > 0) {
		struct iovec span[2];
		int n = fifo_spans(&c->out, span);
		ssize_t done = v->host->write(v->host, index_of(v, c), span, n);

		if (done == -EAGAIN)
			break;
		if (done <= 0) {
			host_broke(v, c);
			return c->state == VCONN_FREE;
		}
		fifo_drop(&c->out, (size_t)done);
		consumed(v, c, (size_t)done);
	}
	if (c->out.len == 0 && (c->guest_shut & SHUT_SEND || c->state == VCONN_DRAINING))
		drained(v, c);
	return c->state == VCONN_FREE;
}

static void take_data(struct vsock *v, struct vconn *c, const struct chain *chain, size_t len)
{
	struct iovec span[VQ_SEGS];
	unsigned n = chain_readable_spans(chain, sizeof(struct header), len, span);
	ssize_t done = 0;

	c->rx += (uint32_t)len;
	if (c->host_gone) {
		consumed(v, c, len);
		return;
	}
	if (c->out.len == 0 && n > 0)
		done = v->host->write(v->host, index_of(v, c), span, (int)MIN(n, 64u));
	if (done < 0 && done != -EAGAIN) {
		host_broke(v, c); /* which counts them as taken */
		return;
	}
	if (done > 0)
		consumed(v, c, (size_t)done);
	n = chain_readable_spans(chain, sizeof(struct header) + (size_t)MAX(done, 0),
				 len - (size_t)MAX(done, 0), span);
	for (unsigned i = 0; i < n; i++)
		fifo_put(&c->out, span[i].iov_base, span[i].iov_len);
}

static void refuse(struct vsock *v, const struct header *h)
{
	if (h->op != OP_RST)
		owe_reset(v, h->src_port, h->dst_port, h->type);
}

static void op_request(struct vsock *v, const struct header *h)
{
	struct vconn *c = vconns_take(&v->conns, h->src_port, h->dst_port);

	if (!c) {
		refuse(v, h);
		return;
	}
	c->peer_buf = h->buf_alloc;
	c->peer_fwd = h->fwd_cnt;
	c->state = VCONN_OPEN;
	if (v->host->dial(v->host, index_of(v, c), h->dst_port) < 0) {
		reset_both(v, c);
		return;
	}
	owe(v, c, TODO_RESPONSE);
	refresh(v, c);
}

static void op_response(struct vsock *v, struct vconn *c)
{
	if (c->state != VCONN_DIALING || c->todo & TODO_REQUEST) {
		reset_both(v, c);
		return;
	}
	set_state(v, c, VCONN_OPEN);
	v->host->after(v->host, index_of(v, c), 0);
	v->host->accepted(v->host, index_of(v, c), c->host_port);
	refresh(v, c);
}

static void op_rst(struct vsock *v, struct vconn *c)
{
	if (c->state == VCONN_OPEN && c->out.len > 0 && !c->host_gone) {
		vconns_dequeue(&v->conns, c);
		c->todo = 0;
		v->host->after(v->host, index_of(v, c), 0);
		set_state(v, c, VCONN_DRAINING);
		refresh(v, c);
	} else {
		set_state(v, c, VCONN_FREE);
	}
}

static void op_shutdown(struct vsock *v, struct vconn *c, uint32_t flags)
{
	uint8_t before = c->guest_shut;

	c->guest_shut |= flags & SHUT_BOTH;
	if ((c->guest_shut & ~before) & SHUT_RCV)
		v->host->shut(v->host, index_of(v, c), SHUT_RD);
	if (c->guest_shut != before && c->out.len == 0)
		drained(v, c);
	if (c->state == VCONN_OPEN)
		refresh(v, c);
}

static void op_rw(struct vsock *v, struct vconn *c, const struct chain *chain, uint32_t len)
{
	if (c->state != VCONN_OPEN || c->guest_shut & SHUT_SEND ||
	    len > VSOCK_BUF - (c->rx - c->fwd)) {
		reset_both(v, c); /* it sends more than it was given credit for, or after its end */
		return;
	}
	take_data(v, c, chain, len);
	if (c->state == VCONN_OPEN)
		refresh(v, c);
}

static void packet(struct vsock *v, const struct chain *chain)
{
	struct header h;
	struct vconn *c;

	if (chain_read(chain, 0, &h, sizeof(h)) < sizeof(h) || h.src_cid != v->guest_cid ||
	    h.dst_cid != HOST_CID)
		return;
	c = vconns_find(&v->conns, h.src_port, h.dst_port);
	if (h.type != TYPE_STREAM || h.len > chain_readable(chain) - sizeof(h) ||
	    (!c && h.op != OP_REQUEST)) {
		refuse(v, &h);
		if (c)
			set_state(v, c, VCONN_FREE);
		return;
	}
	if (c) {
		c->peer_buf = h.buf_alloc;
		c->peer_fwd = h.fwd_cnt;
	}
	switch (h.op) {
	case OP_REQUEST:
		if (c)
			reset_both(v, c);
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
		op_rw(v, c, chain, h.len);
		break;
	case OP_CREDIT_REQUEST:
		owe(v, c, TODO_CREDIT);
		break;
	case OP_CREDIT_UPDATE:
		refresh(v, c);
		break;
	default:
		reset_both(v, c);
	}
}

/* --- host to guest -------------------------------------------------------------------------- */

static struct header header_for(const struct vsock *v, uint32_t guest_port, uint32_t host_port,
				uint16_t op)
{
	return (struct header){
		.src_cid = HOST_CID,
		.dst_cid = v->guest_cid,
		.src_port = host_port,
		.dst_port = guest_port,
		.type = TYPE_STREAM,
		.op = op,
	};
}

static struct header conn_header(const struct vsock *v, struct vconn *c, uint16_t op)
{
	struct header h = header_for(v, c->guest_port, c->host_port, op);

	h.buf_alloc = VSOCK_BUF;
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

/* What one read may fill: buffers of the guest, of which the first was popped by the caller. */
struct offer {
	unsigned chains, spans;
	size_t room, most;
	struct iovec span[OFFER_SPANS + VQ_SEGS];
};

static size_t data_room(const struct chain *chain)
{
	uint64_t room = chain_writable(chain);

	return room <= sizeof(struct header) ? 0 : MIN(room - sizeof(struct header), VSOCK_PACKET);
}

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

/* The host's bytes go straight into the guest's buffers. A stream that fills all it is offered is
 * offered twice as many: one read for a burst, and one buffer for a keystroke. */
static void send_data(struct vsock *v, struct vconn *c)
{
	struct offer o;
	ssize_t got;

	o.chains = o.spans = 0;
	o.room = 0;
	o.most = credit(c);
	offer_chain(&o, &v->chain[0]);
	offer_more(v, c, &o);
	got = v->host->read(v->host, index_of(v, c), o.span, (int)MIN(o.spans, OFFER_SPANS));
	push_data(v, c, o.chains, (size_t)MAX(got, 0));
	if (got > 0) {
		c->tx += (uint32_t)got;
		c->appetite = (size_t)got < o.room ? 1 : MIN(c->appetite * 2, VSOCK_BATCH);
		return;
	}
	c->readable = 0;
	c->appetite = 1;
	if (got != -EAGAIN)
		shut_for_guest(v, c, c->host_gone || got < 0 ? SHUT_BOTH : SHUT_SEND);
}

static void send_reset(struct vsock *v, const struct chain *chain)
{
	struct header h = header_for(v, v->reset[0].guest_port, v->reset[0].host_port, OP_RST);

	h.type = v->reset[0].type;
	memmove(v->reset, v->reset + 1, --v->resets * sizeof(v->reset[0]));
	push_header(v, chain, &h);
}

/* One turn of the connection at the head of the line, with the guest's buffer `chain`. */
static void serve_first(struct vsock *v, const struct chain *chain)
{
	struct vconn *c = vconns_next(&v->conns);

	/* Control packets other than the end go before data; the end goes behind it. */
	if (c->todo & (uint8_t)~TODO_SHUTDOWN || (c->todo && !may_send_data(c)))
		send_control(v, c, chain);
	else if (may_send_data(c))
		send_data(v, c);
	else
		vq_unpop(&v->dev.vq[QUEUE_RX]);
	refresh(v, c);
}

/* Sends while there is something to send and the guest has buffers. 1: more next turn. */
static int pump(struct vsock *v)
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

/* --- the device ----------------------------------------------------------------------------- */

/* 1: more next turn. */
static int take_packets(struct vsock *v)
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

static int vsock_notify(struct vdev *dev, unsigned q)
{
	struct vsock *v = CONTAINER(dev, struct vsock, dev);
	int took = 0, sent = 0;

	if (q == QUEUE_TX)
		took = take_packets(v);
	/* The event queue only holds buffers for events we have not got. */
	if (took >= 0 && q != QUEUE_EVENT)
		sent = pump(v);
	return sent < 0 || took == 0 ? sent : took;
}

static int vsock_reset(struct vdev *dev)
{
	struct vsock *v = CONTAINER(dev, struct vsock, dev);

	v->resets = 0;
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		if (v->conns.conn[i].state != VCONN_FREE)
			set_state(v, &v->conns.conn[i], VCONN_FREE);
	return 0;
}

static const struct vdev_type vsock_type = {
	.name = "vsock",
	.id = 19,
	.nqueues = 3,
	.queue_max = 256,
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

int vsock_reserve(struct vsock *v, uint32_t guest_port)
{
	struct vconn *c;

	do {
		if (++v->next_port > HOST_PORT_LAST)
			v->next_port = HOST_PORT_FIRST;
	} while (vconns_find(&v->conns, guest_port, v->next_port));
	c = vconns_take(&v->conns, guest_port, v->next_port);
	if (!c)
		return -ENFILE;
	c->state = VCONN_DIALING;
	return (int)index_of(v, c);
}

void vsock_dial(struct vsock *v, unsigned conn)
{
	v->host->after(v->host, conn, VSOCK_ANSWER_MS);
	owe(v, &v->conns.conn[conn], TODO_REQUEST);
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_readable(struct vsock *v, unsigned conn)
{
	struct vconn *c = &v->conns.conn[conn];

	c->readable = 1;
	refresh(v, c);
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_writable(struct vsock *v, unsigned conn)
{
	struct vconn *c = &v->conns.conn[conn];

	if (!flush(v, c))
		refresh(v, c);
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_hung_up(struct vsock *v, unsigned conn)
{
	struct vconn *c = &v->conns.conn[conn];

	if (c->state == VCONN_DIALING) {
		reset_both(v, c);
	} else {
		c->readable = 1; /* bytes, or the end: read(2) tells */
		host_broke(v, c);
		if (c->state != VCONN_FREE)
			refresh(v, c);
	}
	vdev_notify(&v->dev, QUEUE_RX);
}

void vsock_timeout(struct vsock *v, unsigned conn)
{
	reset_both(v, &v->conns.conn[conn]);
	vdev_notify(&v->dev, QUEUE_RX);
}

int vsock_drain(struct vsock *v)
{
	int waiting = 0;

	vdev_notify(&v->dev, QUEUE_TX);
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		if (v->conns.conn[i].state != VCONN_FREE && v->conns.conn[i].out.len > 0)
			waiting += !flush(v, &v->conns.conn[i]) && v->conns.conn[i].out.len > 0;
	return waiting;
}
