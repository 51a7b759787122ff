/*
 * vsock_world - a guest's driver and a host around one vsock device, all in arrays.
 *
 * The guest half keeps real rings and heeds every suppression as Linux does, so a notification
 * or an interrupt that the device forgets is a test that hangs still. The host half hands out and
 * checks letters of a known stream per connection and direction: a byte lost, doubled or out of
 * place is seen when it arrives. So is where messages end: also known for each place of a stream.
 * INVARIANT() is what never may be; define it before including.
 */
#ifndef VSOCK_WORLD_H
#define VSOCK_WORLD_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "virtio/vsock.h"

#ifndef INVARIANT
#define INVARIANT(expr) ((expr) ? (void)0 : abort())
#endif

enum {
	CID = 42,
	HOST = 2,

	RX = 0,
	TX = 1,
	EVENT = 2,

	REQUEST = 1,
	RESPONSE = 2,
	RST = 3,
	SHUTDOWN = 4,
	RW = 5,
	CREDIT_UPDATE = 6,
	CREDIT_REQUEST = 7,

	NO_RCV = 1, /* flags of SHUTDOWN */
	NO_SEND = 2,
	EOM = 1, /* and of RW */

	STREAM = VSOCK_STREAM,
	MESSAGES = VSOCK_SEQPACKET,
	REGION = 100000, /* no message is longer, where a test does not say */

	SLOTS = 64,	      /* entries of both queues */
	RX_SLOT = 4 << 10,    /* as Linux makes them */
	TX_PACKET = 64 << 10, /* bytes of the longest packet, as Linux makes them */
	TX_SLOT = TX_PACKET + (4 << 10),
	RX_DATA = 0x10000,
	TX_DATA = RX_DATA + SLOTS * RX_SLOT,
	RAM = TX_DATA + SLOTS * TX_SLOT,
	GUEST_BUF = 256 << 10, /* what the guest claims, where a test does not say */
};

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

/* The host's end of one connection. */
struct far {
	int type;
	int open, accepted, closed, eof, broken; /* broken: write fails with EPIPE */
	int in, out, shut_rd, shut_wr;
	uint32_t port, stream;
	uint64_t give, given; /* bytes there are to be read, and those that were */
	uint64_t room, taken; /* bytes write will take, and those it took */
	size_t bite;	      /* the most of one call */
	unsigned after, wants, reads;
};

struct ring {
	uint16_t kicked, seen; /* avail.idx at the last notification; used.idx as read */
	struct ring_desc *desc;
	struct ring_avail *avail;
	struct ring_used *used;
};

struct world {
	struct vsock v;
	struct vsock_host host;
	struct far far[VSOCK_CONNS];
	struct ring ring[3];
	unsigned again[3], interrupts[3], config_interrupts;
	int refuse; /* answer of dial() */
	int event_idx;
	uint16_t type;	  /* of what the guest sends, where a test does not say */
	uint32_t message; /* all messages have this length; 0: they differ */
	int noise; /* the guest sends bytes of no stream: do not compare */
	unsigned nopen;
	uint8_t data[TX_SLOT]; /* of the packet last taken, or to be sent */
};

static _Alignas(4096) uint8_t world_ram[RAM];
static const struct gmem world_mem = { .region = { { 0, RAM, world_ram } } };
static uint8_t world_buffers[(size_t)VSOCK_CONNS * VSOCK_MEMORY];
static uint64_t world_features = 1 << 1; /* messages */
static struct world w;

/* What byte comes `at` a stream's place; to_guest tells the two of a connection apart. */
static inline uint8_t letter(uint32_t stream, int to_guest, uint64_t at)
{
	uint64_t x = at * 0x9e3779b97f4a7c15u + stream * 0x85ebca6bu + (to_guest ? 77 : 0);

	return (uint8_t)(x >> 56);
}

/* The place behind the message that the byte at this place belongs to. A few bytes apart here, thousands
 * there. */
static inline uint64_t message_end(uint32_t stream, int to_guest, uint64_t at)
{
	static const uint8_t usual[] = { 5, 8, 11, 14, 16 };
	uint64_t last = at - at % REGION + REGION - 1;
	uint64_t region = (at / REGION + stream + 7u * !!to_guest) * 0x9e3779b97f4a7c15u;
	uint64_t mask = (1u << usual[(region >> 60) % COUNT(usual)]) - 1;

	if (w.message)
		return at - at % w.message + w.message;
	while (at < last && ((at + stream) * 0xd1342543de82ef95u >> 40 & mask))
		at++;
	return at + 1;
}

/* --- the host ------------------------------------------------------------------------------- */

static inline struct far *far_end(unsigned conn)
{
	INVARIANT(conn < VSOCK_CONNS);
	INVARIANT(w.far[conn].open);
	return &w.far[conn];
}

static inline void far_open(unsigned conn, uint32_t port, int type)
{
	INVARIANT(!w.far[conn].open);
	w.far[conn] = (struct far){
		.type = type, .open = 1, .port = port, .room = UINT64_MAX, .bite = SIZE_MAX
	};
	w.far[conn].stream = w.v.conns.conn[conn].guest_port;
	w.nopen++;
}

static inline int host_dial(struct vsock_host *h, unsigned conn, uint32_t port,
			    enum vsock_type type)
{
	(void)h;
	far_open(conn, port, type);
	return w.refuse;
}

static inline void host_accepted(struct vsock_host *h, unsigned conn, uint32_t port)
{
	(void)h;
	far_end(conn)->accepted++;
	w.far[conn].port = port;
}

static inline size_t amount(const struct iovec *iov, int n)
{
	size_t sum = 0;

	INVARIANT(n > 0);
	for (int i = 0; i < n; i++)
		sum += iov[i].iov_len;
	INVARIANT(sum > 0);
	return sum;
}

static inline ssize_t host_write(struct vsock_host *h, unsigned conn, const struct iovec *iov,
				 int n)
{
	struct far *f = far_end(conn);
	size_t len = MIN(MIN(amount(iov, n), f->bite), f->room), left = len;

	(void)h;
	INVARIANT(!f->shut_wr);
	if (f->broken)
		return -EPIPE;
	if (f->type == MESSAGES && amount(iov, n) <= f->room) {
		len = left = amount(iov, n);
		INVARIANT(w.noise || message_end(f->stream, 0, f->taken) == f->taken + len);
	} else if (f->type == MESSAGES) {
		return -EAGAIN;
	}
	if (len == 0)
		return -EAGAIN;
	for (; left > 0; iov++)
		for (size_t i = 0; i < iov->iov_len && left > 0; i++, left--)
			INVARIANT(((uint8_t *)iov->iov_base)[i] ==
					  letter(f->stream, 0, f->taken++) ||
				  w.noise);
	f->room -= f->room == UINT64_MAX ? 0 : len;
	return (ssize_t)len;
}

static inline ssize_t host_read(struct vsock_host *h, unsigned conn, const struct iovec *iov, int n)
{
	struct far *f = far_end(conn);
	size_t len = MIN(MIN(amount(iov, n), f->bite), f->give), left = len;

	(void)h;
	f->reads++;
	INVARIANT(!f->shut_rd && f->type == STREAM);
	if (len == 0)
		return f->eof ? 0 : -EAGAIN;
	for (; left > 0; iov++)
		for (size_t i = 0; i < iov->iov_len && left > 0; i++, left--)
			((uint8_t *)iov->iov_base)[i] = letter(f->stream, 1, f->given++);
	f->give -= len;
	return (ssize_t)len;
}

static inline ssize_t host_receive(struct vsock_host *h, unsigned conn, void *buf, size_t room)
{
	struct far *f = far_end(conn);
	uint64_t len = message_end(f->stream, 1, f->given) - f->given;

	(void)h;
	f->reads++;
	INVARIANT(!f->shut_rd && f->type == MESSAGES);
	if (f->give == 0)
		return f->eof ? 0 : -EAGAIN;
	INVARIANT(f->give >= len);
	for (uint64_t i = 0; i < len && i < room; i++)
		((uint8_t *)buf)[i] = letter(f->stream, 1, f->given + i);
	f->given += len;
	f->give -= len;
	return (ssize_t)len;
}

/* As many bytes, and the rest of the message they end in. */
static inline void far_gives(struct far *f, uint64_t len)
{
	uint64_t behind = f->given + f->give + len;

	if (f->type == MESSAGES && len > 0)
		behind = message_end(f->stream, 1, behind - 1);
	f->give = behind - f->given;
}

static inline void host_shut(struct vsock_host *h, unsigned conn, int how)
{
	(void)h;
	INVARIANT(how == SHUT_WR || how == SHUT_RD);
	if (how == SHUT_WR)
		far_end(conn)->shut_wr++;
	else
		far_end(conn)->shut_rd++;
}

static inline void host_want(struct vsock_host *h, unsigned conn, int in, int out)
{
	(void)h;
	far_end(conn)->in = in;
	w.far[conn].out = out;
	w.far[conn].wants++;
}

static inline void host_after(struct vsock_host *h, unsigned conn, unsigned ms)
{
	(void)h;
	far_end(conn)->after = ms;
}

static inline void host_close(struct vsock_host *h, unsigned conn)
{
	struct far *f = far_end(conn);

	(void)h;
	*f = (struct far){
		.closed = 1, .given = f->given, .taken = f->taken, .shut_wr = f->shut_wr
	};
	w.nopen--;
}

/* The loop's part: whoever asked hears of it, once. Nonzero: something happened. */
static inline int host_poll(unsigned conn)
{
	struct far *f = &w.far[conn];
	int did = 0;

	if (f->open && f->out && (f->room > 0 || f->broken)) {
		vsock_writable(&w.v, conn);
		did = 1;
	}
	if (f->open && f->in && (f->give > 0 || f->eof)) {
		vsock_readable(&w.v, conn);
		did = 1;
	}
	return did;
}

static inline int dial_for(uint32_t guest_port, enum vsock_type type)
{
	int conn = vsock_reserve(&w.v, guest_port, type);

	if (conn >= 0) {
		far_open((unsigned)conn, 0, type);
		vsock_dial(&w.v, (unsigned)conn);
	}
	return conn;
}

static inline int dial(uint32_t guest_port)
{
	return dial_for(guest_port, VSOCK_STREAM);
}

static inline int conn_of(uint32_t guest_port, uint32_t host_port)
{
	for (int i = 0; i < VSOCK_CONNS; i++) {
		const struct vconn *c = &w.v.conns.conn[i];

		if ((c->state == VCONN_DIALING || c->state == VCONN_OPEN) &&
		    c->guest_port == guest_port && c->host_port == host_port)
			return i;
	}
	return -1;
}

/* --- the guest ------------------------------------------------------------------------------ */

static inline void world_interrupt(struct vdev *dev, int q)
{
	(void)dev;
	if (q < 0)
		w.config_interrupts++;
	else
		w.interrupts[q]++;
}

static inline void world_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	w.again[q]++;
}

/* One turn of the loop, for what the device put off. */
static inline void turn(void)
{
	for (unsigned q = 0; q < 3; q++)
		if (w.again[q]) {
			w.again[q] = 0;
			vdev_notify(&w.v.dev, q);
		}
}

/* Notifies the device if it wants that (virtio 1.2 sections 2.7.10 and 2.7.7.2). */
static inline void kick(unsigned q)
{
	struct ring *r = &w.ring[q];
	uint16_t event = *(uint16_t *)(void *)&r->used->ring[SLOTS];
	uint16_t new = r->avail->idx, old = r->kicked;

	r->kicked = new;
	if (w.event_idx ? (uint16_t)(new - event - 1) < (uint16_t)(new - old)
			: !(r->used->flags & USED_NO_NOTIFY))
		vdev_notify(&w.v.dev, q);
}

static inline void offer(unsigned q, uint16_t head)
{
	struct ring *r = &w.ring[q];

	r->avail->ring[r->avail->idx % SLOTS] = head;
	r->avail->idx++;
}

static inline void post(uint16_t slot)
{
	w.ring[RX].desc[slot] = (struct ring_desc){ RX_DATA + (gpa_t)slot * RX_SLOT, RX_SLOT,
						    DESC_WRITE, 0 };
	offer(RX, slot);
}

static inline void post_all(unsigned n)
{
	for (uint16_t i = 0; i < n; i++)
		post(i);
	kick(RX);
}

/* Sends p and the p->len bytes of `data`, in pieces of `piece` bytes. */
static inline void send_pieces(const struct packet *p, const void *data, size_t len, uint32_t piece)
{
	struct ring *r = &w.ring[TX];
	uint16_t slot = r->avail->idx % SLOTS, at = 0;
	uint8_t *ram = world_ram + TX_DATA + (size_t)slot * TX_SLOT;
	uint32_t total = (uint32_t)(sizeof(*p) + len), done = 0;

	while ((uint16_t)(r->avail->idx - r->used->idx) >= SLOTS)
		turn();
	memcpy(ram, p, sizeof(*p));
	memcpy(ram + sizeof(*p), data, len);
	if (piece >= total) {
		r->desc[slot] = (struct ring_desc){ TX_DATA + (gpa_t)slot * TX_SLOT, total, 0, 0 };
		offer(TX, slot);
		kick(TX);
		return;
	}
	for (; done < total; done += piece, at++)
		r->desc[at] = (struct ring_desc){ TX_DATA + (gpa_t)slot * TX_SLOT + done,
						  MIN(piece, total - done),
						  done + piece < total ? DESC_NEXT : 0,
						  (uint16_t)(at + 1) };
	offer(TX, 0);
	kick(TX);
}

static inline struct packet packet_of(uint16_t op, uint32_t from, uint32_t to)
{
	return (struct packet){ .src_cid = CID,
				.dst_cid = HOST,
				.src_port = from,
				.dst_port = to,
				.type = w.type,
				.op = op,
				.buf_alloc = GUEST_BUF };
}

static inline void send_op(uint16_t op, uint32_t from, uint32_t to)
{
	struct packet p = packet_of(op, from, to);

	send_pieces(&p, "", 0, UINT32_MAX);
}

static inline void send_shutdown(uint32_t from, uint32_t to, uint32_t flags)
{
	struct packet p = packet_of(SHUTDOWN, from, to);

	p.flags = flags;
	send_pieces(&p, "", 0, UINT32_MAX);
}

static inline void send_credit(uint32_t from, uint32_t to, uint32_t buf_alloc, uint32_t fwd_cnt)
{
	struct packet p = packet_of(CREDIT_UPDATE, from, to);

	p.buf_alloc = buf_alloc;
	p.fwd_cnt = fwd_cnt;
	send_pieces(&p, "", 0, UINT32_MAX);
}

/* The same stretch of a stream, or less of it where a message ends; *flags of its packet. */
static inline uint32_t cut_at_end(uint32_t stream, uint64_t at, uint32_t len, uint32_t *flags)
{
	uint64_t end = message_end(stream, 0, at);

	*flags = at + len >= end ? EOM : 0;
	return *flags ? (uint32_t)(end - at) : len;
}

/* Letters [at, at+len) of the connection's stream, in as few packets as there can be. */
static inline void send_letters(uint32_t from, uint32_t to, uint64_t at, uint32_t len)
{
	struct packet p = packet_of(RW, from, to);
	uint32_t flags = 0;

	do {
		p.len = MIN(len, (uint32_t)TX_PACKET);
		if (p.type == MESSAGES)
			p.len = cut_at_end(from, at, p.len, &flags);
		p.flags = flags;
		for (uint32_t i = 0; i < p.len; i++)
			w.data[i] = letter(from, 0, at++);
		send_pieces(&p, w.data, p.len, UINT32_MAX);
		len -= p.len;
	} while (len > 0);
}

/* Takes one packet out of the receive queue, its data to w.data; the buffer is not given back. */
static inline int take_keep(struct packet *p, uint16_t *slot)
{
	struct ring *r = &w.ring[RX];
	const struct ring_used_elem *e = &r->used->ring[r->seen % SLOTS];
	const struct ring_desc *d;

	if (w.event_idx)
		r->avail->ring[SLOTS] = r->seen;
	if (r->seen == r->used->idx)
		return 0;
	r->seen++;
	INVARIANT(e->id < SLOTS);
	d = &r->desc[e->id];
	INVARIANT(e->len >= sizeof(*p) && e->len <= d->len);
	memcpy(p, world_ram + d->addr, sizeof(*p));
	INVARIANT(p->len == e->len - sizeof(*p));
	memcpy(w.data, world_ram + d->addr + sizeof(*p), p->len);
	INVARIANT(p->src_cid == HOST && p->dst_cid == CID);
	INVARIANT(p->op == RW || p->len == 0);
	*slot = (uint16_t)e->id;
	return 1;
}

static inline int take(struct packet *p)
{
	uint16_t slot;

	if (!take_keep(p, &slot))
		return 0;
	post(slot);
	kick(RX);
	return 1;
}

/* What must hold between any two calls, whoever the guest is. */
static inline void world_check(void)
{
	unsigned busy = 0, free = 0, ready = 0;

	for (uint16_t i = w.v.conns.free; i != VSOCK_NONE; i = w.v.conns.conn[i].next_ready, free++)
		INVARIANT(free < VSOCK_CONNS && w.v.conns.conn[i].state == VCONN_FREE);
	for (uint16_t i = w.v.conns.ready; i != VSOCK_NONE;
	     i = w.v.conns.conn[i].next_ready, ready++)
		INVARIANT(ready < VSOCK_CONNS && w.v.conns.conn[i].state != VCONN_FREE &&
			  w.v.conns.conn[i].queued);
	for (unsigned i = 0; i < VSOCK_CONNS; i++) {
		const struct vconn *c = &w.v.conns.conn[i];

		INVARIANT((c->state != VCONN_FREE) == w.far[i].open);
		if (c->state == VCONN_FREE)
			continue;
		busy++;
		INVARIANT(c->out.len <= VSOCK_BUF);
		INVARIANT(c->rx - c->fwd == c->out.len);
		INVARIANT(c->ends.open <= c->out.len && (c->type == MESSAGES || !c->ends.open));
		INVARIANT(c->type == MESSAGES || !c->in.len);
		INVARIANT(w.far[i].in == c->wants_in && w.far[i].out == c->wants_out);
		ready -= c->queued;
	}
	INVARIANT(ready == 0 && busy + free == VSOCK_CONNS && busy == w.nopen);
}

/* Up with the driver: rings in place, no receive buffers yet. */
static inline void driver_up(int event_idx)
{
	struct vdev *dev = &w.v.dev;

	memset(world_ram, 0, RX_DATA);
	vdev_set_status(dev, VDEV_ACKNOWLEDGE);
	vdev_set_status(dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER);
	dev->driver_features = VDEV_F_VERSION_1 | (event_idx ? VDEV_F_EVENT_IDX : 0) |
			       world_features;
	vdev_set_status(dev, VDEV_ACKNOWLEDGE | VDEV_DRIVER | VDEV_FEATURES_OK);
	for (unsigned q = 0; q < 3; q++) {
		struct vq *vq = &dev->vq[q];

		vq->size = SLOTS;
		vq->desc_at = 0x4000 * q;
		vq->avail_at = 0x4000 * q + 0x1000;
		vq->used_at = 0x4000 * q + 0x2000;
		vq->enabled = 1;
		w.ring[q] = (struct ring){
			.desc = (struct ring_desc *)(void *)(world_ram + vq->desc_at),
			.avail = (struct ring_avail *)(void *)(world_ram + vq->avail_at),
			.used = (struct ring_used *)(void *)(world_ram + vq->used_at),
		};
	}
	w.event_idx = event_idx;
	vdev_set_status(dev, dev->status | VDEV_DRIVER_OK);
	vdev_run(dev);
}

/* A fresh machine with `buffers` of the guest's waiting. */
static inline void world_begin(int event_idx, unsigned buffers)
{
	/* Those of the machine before may have left some: the buffers come without marks. */
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		if (w.v.conns.conn[i].type == MESSAGES)
			ends_drop_all(&w.v.conns.conn[i].ends, &w.v.conns.conn[i].out);
	memset(&w, 0, sizeof(w));
	w.type = STREAM;
	w.host = (struct vsock_host){ VSOCK_BUF,    host_dial, host_accepted, host_write, host_read,
				      host_receive, host_shut, host_want,     host_after, host_close };
	vsock_init(&w.v, &world_mem, CID, &w.host, world_buffers);
	w.v.dev.interrupt = world_interrupt;
	w.v.dev.again = world_again;
	driver_up(event_idx);
	post_all(buffers);
}

#endif
