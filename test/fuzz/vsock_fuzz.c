/*
 * The socket device under a guest and a host that do anything, in any order. Input: a list of
 * acts, each a byte and its arguments. After each, the tables must be whole, every call to the
 * host be about a connection it knows, and every byte it takes be the next of its stream.
 */
#include "base/log.h"
#include "vsock_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct acts {
	const uint8_t *at, *end;
};

static uint8_t byte(struct acts *a)
{
	return a->at < a->end ? *a->at++ : 0;
}

static uint16_t word(struct acts *a)
{
	uint16_t low = byte(a);

	return (uint16_t)(low | byte(a) << 8);
}

/* Small numbers are small, some of the others very big. */
static uint32_t number(struct acts *a)
{
	uint8_t b = byte(a);

	return b < 0x80 ? b : b < 0xc0 ? (b & 63u) << 10 : b < 0xf0 ? word(a) : 0u - (b & 15u);
}

/* Ports that meet: a few, and those the device chose itself. */
static uint32_t host_port(struct acts *a)
{
	uint8_t b = byte(a);

	return b & 0x80 ? (1u << 30) + (b & 15) : b & 3;
}

/* A good RW carries the letters that are due, and ends where a message does, or the host's check would cry wolf. */
static void act_packet(struct acts *a, int honest)
{
	struct packet p = packet_of(byte(a) % 9, 1 + byte(a) % 4, 0);
	uint8_t odd = honest ? 0 : byte(a);
	uint32_t piece = honest ? 0 : byte(a), len, ends = 0;
	uint64_t at;
	int conn;

	p.dst_port = host_port(a);
	p.flags = byte(a);
	p.buf_alloc = number(a);
	p.fwd_cnt = number(a);
	conn = conn_of(p.src_port, p.dst_port);
	/* Of what the connection is; a new one says in a flag that means nothing there. */
	p.type = conn < 0 ? (p.flags & 8 ? MESSAGES : STREAM) : w.v.conns.conn[conn].type;
	at = conn < 0 ? 0 : w.v.conns.conn[conn].rx;
	len = p.op == RW ? number(a) % TX_PACKET : 0;
	if (p.op == RW && p.type == MESSAGES && len > 0 && !w.noise)
		len = cut_at_end(p.src_port, at, len, &ends);
	p.len = odd & 1 ? number(a) : len;
	p.type = odd & 2 ? word(a) : p.type;
	p.src_cid = odd & 4 ? CID + byte(a) : CID;
	p.dst_cid = odd & 8 ? byte(a) : HOST;
	p.op = odd & 16 ? word(a) : p.op;
	if (p.op == RW && !w.noise)
		p.flags = p.len == len ? ends : 0;
	for (uint32_t i = 0; i < len; i++)
		w.data[i] = letter(p.src_port, 0, at + i);
	send_pieces(&p, w.data, len, (len + sizeof(p)) / SLOTS + 1 + (piece ? piece : UINT16_MAX));
}

static void act_take(struct acts *a)
{
	struct packet p;

	for (unsigned n = byte(a) % 8; n > 0 && take(&p); n--) {
	}
}

/* Offers packets of long ago again, or more of them than there are. */
static void act_scribble(struct acts *a)
{
	w.ring[TX].avail->idx = (uint16_t)(w.ring[TX].avail->idx + word(a));
	w.noise = 1;
	vdev_notify(&w.v.dev, TX);
}

static void act_reset(void)
{
	vdev_set_status(&w.v.dev, 0);
	vdev_run(&w.v.dev);
	INVARIANT(w.nopen == 0);
	driver_up(!w.event_idx);
	post_all(SLOTS / 2);
}

static void act_host(struct acts *a, uint8_t what)
{
	unsigned conn = byte(a) % 8;
	struct far *f = &w.far[conn];

	if (!f->open)
		return;
	switch (what % 8) {
	case 0:
		far_gives(f, number(a) % 100000);
		break;
	case 1:
		f->room = number(a);
		break;
	case 2:
		f->bite = 1 + number(a) % 5000;
		break;
	case 3:
		f->eof = 1;
		break;
	case 4:
		f->broken = 1;
		break;
	case 5:
		host_poll(conn);
		break;
	case 6:
		if (f->after)
			vsock_timeout(&w.v, conn);
		break;
	case 7:
		f->eof = f->broken = 1;
		vsock_hung_up(&w.v, conn);
		break;
	}
}

static void act(struct acts *a)
{
	uint8_t what = byte(a), first;

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		act_packet(a, 1);
		break;
	case 4:
		act_packet(a, 0);
		break;
	case 5:
		act_take(a);
		break;
	case 6:
		first = byte(a);
		dial_for(1 + first % 4, first & 64 ? VSOCK_SEQPACKET : VSOCK_STREAM);
		break;
	case 7:
		first = byte(a);
		w.refuse = first & 1 ? -ECONNREFUSED : 0;
		w.noise |= first & 2; /* messages end anywhere from now on */
		break;
	case 8:
		turn();
		break;
	case 9:
		vsock_drain(&w.v);
		break;
	case 10:
		if (byte(a) == 0xab)
			act_reset();
		break;
	case 11:
		if (byte(a) == 0xcd)
			act_scribble(a);
		break;
	default:
		act_host(a, byte(a));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acts a = { data, data + size };
	uint8_t first = byte(&a);

	log_open(2, "fuzz", LOG_ERROR);
	world_features = first & 64 ? 0 : 1 << 1;
	world_begin(first & 1, first >> 1 & 31);
	w.host.message_max = first & 128 ? 70000 : VSOCK_BUF;
	for (unsigned n = 0; a.at < a.end && n < 400; n++) {
		act(&a);
		if (w.v.dev.status & VDEV_NEEDS_RESET)
			act_reset();
		if (n % 16 == 15) /* it costs more than sixteen acts do */
			world_check();
	}
	world_check();
	vdev_set_status(&w.v.dev, 0);
	vdev_run(&w.v.dev);
	INVARIANT(w.nopen == 0);
	return 0;
}
