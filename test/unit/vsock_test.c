/* The socket device between a driver and a host that are both arrays. */
#include "check.h"

#define INVARIANT(expr) CHECK(expr)
#include "vsock_world.h"

enum { GP = 1000, HP = 5000 }; /* the guest's port, the host's */

/* The next packet must be this one; it is returned for a closer look. */
static struct packet expect_at(int line, uint16_t op, uint32_t from, uint32_t to)
{
	struct packet p = { 0 };

	if (!take(&p) || p.op != op || p.src_port != from || p.dst_port != to || p.type != w.type) {
		printf("# line %d: wanted op %u %u->%u, got op %u %u->%u\n", line, op, from, to,
		       p.op, p.src_port, p.dst_port);
		CHECK(!"the packet expected");
	}
	return p;
}
#define EXPECT(op, from, to) expect_at(__LINE__, op, from, to)

static void expect_silence_at(int line)
{
	struct packet p;

	if (take(&p)) {
		printf("# line %d: got op %u\n", line, p.op);
		CHECK(!"silence");
	}
}
#define EXPECT_SILENCE() expect_silence_at(__LINE__)

/* A connection that the guest opened; its index. */
static int guest_opens(uint32_t from, uint32_t to)
{
	int conn;

	send_op(REQUEST, from, to);
	EXPECT(RESPONSE, to, from);
	conn = conn_of(from, to);
	CHECK(conn >= 0 && w.far[conn].open && w.far[conn].port == to);
	return conn < 0 ? 0 : conn;
}

static int world_with_one(void)
{
	world_begin(0, SLOTS);
	return guest_opens(GP, HP);
}

/* --- opening -------------------------------------------------------------------------------- */

static void the_host_cannot_connect(void)
{
	struct packet p = { 0 };
	int conn;

	world_begin(0, SLOTS);
	conn = dial(GP);
	CHECK(conn >= 0 && w.far[conn].after == VSOCK_ANSWER_MS);
	CHECK(take(&p) && p.op == REQUEST && p.dst_port == GP && p.buf_alloc == VSOCK_BUF);
	CHECK(!w.far[conn].accepted && !w.far[conn].in);
	send_op(RESPONSE, GP, p.src_port);
	CHECK(w.far[conn].accepted == 1 && w.far[conn].port == p.src_port);
	CHECK(w.far[conn].after == 0 && w.far[conn].in);
	w.far[conn].give = 10;
	CHECK(host_poll((unsigned)conn));
	CHECK(EXPECT(RW, p.src_port, GP).len == 10);
	world_check();
}

static void a_refused_connect_hangs(void)
{
	struct packet p = { 0 };
	int conn;

	world_begin(0, SLOTS);
	conn = dial(GP);
	CHECK(take(&p));
	send_op(RST, GP, p.src_port);
	CHECK(w.far[conn].closed && !w.nopen);
	EXPECT_SILENCE();
	world_check();
}

static void a_guest_that_never_answers_is_waited_for(void)
{
	struct packet p = { 0 };
	int conn;

	world_begin(0, SLOTS);
	conn = dial(GP);
	CHECK(take(&p));
	vsock_timeout(&w.v, (unsigned)conn);
	EXPECT(RST, p.src_port, GP);
	CHECK(!w.nopen);
	send_op(RESPONSE, GP, p.src_port); /* too late */
	EXPECT(RST, p.src_port, GP);

	/* One that had no buffer for the question hears nothing of it later, either. */
	world_begin(0, 0);
	conn = dial(GP);
	vsock_timeout(&w.v, (unsigned)conn);
	post_all(SLOTS);
	EXPECT_SILENCE();
	world_check();
}

static void two_connects_get_one_port(void)
{
	struct packet a = { 0 }, b = { 0 };

	world_begin(0, SLOTS);
	dial(GP);
	dial(GP);
	CHECK(take(&a) && take(&b) && a.src_port != b.src_port);
}

static void the_guest_cannot_connect(void)
{
	int conn = world_with_one();

	CHECK(w.far[conn].in && !w.far[conn].out);
	send_letters(GP, HP, 0, 100);
	CHECK(w.far[conn].taken == 100);
	w.far[conn].give = 7;
	host_poll((unsigned)conn);
	CHECK(EXPECT(RW, HP, GP).len == 7 && w.data[6] == letter(GP, 1, 6));
	world_check();
}

static void the_host_cannot_refuse(void)
{
	world_begin(0, SLOTS);
	w.refuse = -ECONNREFUSED;
	send_op(REQUEST, GP, HP);
	EXPECT(RST, HP, GP);
	EXPECT_SILENCE();
	CHECK(!w.nopen);
	world_check();
}

static void the_1025th_connection_breaks_something(void)
{
	struct packet p;

	world_begin(0, SLOTS);
	for (uint32_t i = 0; i < VSOCK_CONNS; i++)
		guest_opens(GP + i, HP);
	CHECK(w.nopen == VSOCK_CONNS);
	send_op(REQUEST, GP - 1, HP);
	EXPECT(RST, HP, GP - 1);
	CHECK(dial(GP) == -ENFILE);
	world_check();
	for (uint32_t i = 0; i < VSOCK_CONNS; i += 2)
		send_op(RST, GP + i, HP);
	CHECK(w.nopen == VSOCK_CONNS / 2);
	guest_opens(GP - 1, HP);
	for (uint32_t i = 1; i < VSOCK_CONNS; i += 2) {
		send_op(CREDIT_REQUEST, GP + i, HP); /* each is still found */
		EXPECT(CREDIT_UPDATE, HP, GP + i);
	}
	CHECK(!take(&p));
	world_check();
}

/* --- hostile packets ------------------------------------------------------------------------ */

static void a_packet_of_no_connection_is_not_reset(void)
{
	static const uint16_t ops[] = { RESPONSE,	SHUTDOWN, RW, CREDIT_UPDATE,
					CREDIT_REQUEST, 0,	  8,  0xffff };

	world_begin(0, SLOTS);
	for (size_t i = 0; i < COUNT(ops); i++) {
		send_op(ops[i], GP, HP);
		EXPECT(RST, HP, GP);
	}
	send_op(RST, GP, HP); /* but never an RST for an RST */
	EXPECT_SILENCE();
	CHECK(w.v.dev.status == 15);
}

static void a_hostile_packet_is_served(void)
{
	static const struct {
		const char *why;
		struct packet p; /* fields that differ from those of a good RW packet of 10 bytes */
		int answered, gone;
	} cases[] = {
		{ "another guest's cid", { .src_cid = CID + 1 }, 0, 0 },
		{ "cid with bits above 32", { .src_cid = CID | 1ull << 32 }, 0, 0 },
		{ "not to the host", { .dst_cid = CID }, 0, 0 },
		{ "to the hypervisor", { .dst_cid = 1 }, 0, 0 },
		{ "a message in a stream", { .type = 2 }, 1, 1 },
		{ "unknown type", { .type = 0x100 }, 1, 1 },
		{ "op 0xff", { .op = 0xff }, 1, 1 },
		{ "op 8", { .op = 8 }, 1, 1 },
		{ "longer than its buffers", { .len = 11 }, 1, 1 },
		{ "4 GiB", { .len = UINT32_MAX }, 1, 1 },
		{ "a RST of a wrong length", { .op = RST, .len = 11 }, 0, 1 },
		{ "REQUEST for what is open", { .op = REQUEST }, 1, 1 },
		{ "RESPONSE for what is open", { .op = RESPONSE }, 1, 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int before = check.failed, conn = world_with_one();
		const struct packet *c = &cases[i].p;
		struct packet p = packet_of(RW, GP, HP), answer;

		p.src_cid = c->src_cid ? c->src_cid : p.src_cid;
		p.dst_cid = c->dst_cid ? c->dst_cid : p.dst_cid;
		p.type = c->type ? c->type : p.type;
		p.op = c->op ? c->op : p.op;
		p.len = c->len ? c->len : 10;
		send_pieces(&p, "0123456789", 10, UINT32_MAX);
		CHECK(take(&answer) == cases[i].answered);
		CHECK(!cases[i].answered || (answer.op == RST && answer.type == STREAM));
		CHECK(w.far[conn].open == !cases[i].gone && w.far[conn].taken == 0);
		EXPECT_SILENCE();
		CHECK(w.v.dev.status == 15);
		world_check();
		if (check.failed > before)
			printf("# %s\n", cases[i].why);
	}
}

static void half_a_header_is_believed(void)
{
	int conn = world_with_one();
	struct packet p = packet_of(RST, GP, HP);

	w.ring[TX].desc[1] = (struct ring_desc){ TX_DATA, sizeof(p) - 1, 0, 0 };
	memcpy(world_ram + TX_DATA, &p, sizeof(p));
	offer(TX, 1);
	kick(TX);
	CHECK(w.far[conn].open && w.ring[TX].used->idx == w.ring[TX].avail->idx);
	EXPECT_SILENCE();
}

static void a_header_in_pieces_is_not_understood(void)
{
	uint8_t data[16];

	for (uint32_t piece = 1; piece <= 60; piece++) {
		struct packet p = packet_of(RW, GP, HP);
		int conn;

		if (60 / piece >= SLOTS)
			continue;
		conn = world_with_one();
		for (unsigned i = 0; i < sizeof(data); i++)
			data[i] = letter(GP, 0, i);
		p.len = sizeof(data);
		send_pieces(&p, data, sizeof(data), piece);
		CHECK(w.far[conn].taken == sizeof(data));
	}
}

static void a_receive_buffer_in_pieces_is_misfilled(void)
{
	enum { BYTES = 60 };
	struct ring *r = &w.ring[RX];
	struct packet p;
	unsigned conn;

	world_begin(0, 1);
	conn = (unsigned)guest_opens(GP, HP); /* which put buffer 0 back */
	send_op(CREDIT_REQUEST, GP, HP);
	while (r->seen != r->used->idx) /* and that one is used up, too */
		r->seen++;
	for (uint16_t i = 0; i < BYTES; i++)
		r->desc[i] = (struct ring_desc){ RX_DATA + 2 * i, 1, i < BYTES - 1 ? 3 : 2,
						 (uint16_t)(i + 1) };
	offer(RX, 0);
	kick(RX);
	w.far[conn].give = 100;
	host_poll(conn);
	CHECK(r->used->ring[r->seen % SLOTS].len == BYTES);
	for (unsigned i = 0; i < sizeof(p); i++)
		((uint8_t *)&p)[i] = world_ram[RX_DATA + 2 * i];
	CHECK(p.op == RW && p.len == BYTES - sizeof(p) && p.dst_port == GP);
	for (unsigned i = 0; i < BYTES - sizeof(p); i++)
		CHECK(world_ram[RX_DATA + 2 * (sizeof(p) + i)] == letter(GP, 1, i));
	CHECK(w.far[conn].given == BYTES - sizeof(p));
}

static void a_broken_ring_goes_unnoticed(void)
{
	world_with_one();
	w.ring[TX].avail->idx = (uint16_t)(w.ring[TX].avail->idx + SLOTS + 1);
	vdev_notify(&w.v.dev, TX);
	CHECK(w.v.dev.status & VDEV_NEEDS_RESET && w.config_interrupts == 1);
	CHECK(!w.v.dev.vq[RX].desc);

	/* A receive buffer too small for a byte, while the transmit queue is busy for turns. */
	world_begin(0, 0);
	w.ring[RX].desc[0] = (struct ring_desc){ RX_DATA, sizeof(struct packet), DESC_WRITE, 0 };
	offer(RX, 0);
	kick(RX);
	send_op(CREDIT_REQUEST, GP, HP);
	CHECK(w.v.dev.status & VDEV_NEEDS_RESET);
}

static int endless_reads;

/* A guest on another CPU that sends as fast as it is served. */
static int endless_dial(struct vsock_host *h, unsigned conn, uint32_t port, enum vsock_type type)
{
	host_dial(h, conn, port, type);
	if (endless_reads++ < 1000)
		offer(TX, 0);
	return -ECONNREFUSED;
}

static void a_busy_guest_keeps_the_loop(void)
{
	struct packet p = packet_of(REQUEST, GP, HP);
	int turns;

	world_begin(0, SLOTS);
	w.host.dial = endless_dial;
	endless_reads = 0;
	send_pieces(&p, "", 0, UINT32_MAX);
	CHECK(endless_reads < 400 && w.again[TX] == 1);
	for (turns = 0; w.again[TX] && turns < 100; turns++)
		turn();
	CHECK(endless_reads == 1001 && turns >= 2 && turns < 10);
}

/* A guest on another CPU that gives each buffer back at once. */
static ssize_t endless_read(struct vsock_host *h, unsigned conn, const struct iovec *iov, int n)
{
	endless_reads++;
	offer(RX, (uint16_t)(endless_reads % SLOTS));
	return host_read(h, conn, iov, n);
}

static void a_busy_host_keeps_the_loop(void)
{
	int conn = world_with_one(), turns;

	w.host.read = endless_read;
	endless_reads = 0;
	send_credit(GP, HP, INT32_MAX, 0);
	w.far[conn].give = 1000 * (RX_SLOT - sizeof(struct packet));
	host_poll((unsigned)conn);
	CHECK(endless_reads < 400 && w.again[RX] == 1);
	for (turns = 0; w.again[RX] && turns < 100; turns++)
		turn();
	CHECK(turns >= 2 && turns < 10);
}

static void a_broken_ring_hides_behind_a_busy_one(void)
{
	world_begin(0, 0);
	w.host.dial = endless_dial;
	endless_reads = 0;
	w.ring[RX].desc[0] = (struct ring_desc){ RX_DATA, sizeof(struct packet), DESC_WRITE, 0 };
	offer(RX, 0);
	kick(RX);
	send_op(REQUEST, GP, HP);
	CHECK(w.v.dev.status & VDEV_NEEDS_RESET);
}

static void a_burst_costs_a_read_for_each_packet(void)
{
	int conn = world_with_one();
	struct far *f = &w.far[conn];
	uint32_t got = 0;
	struct packet p;
	uint16_t slot;

	/* A keystroke: one read, and the wait for the next is as it was; one buffer is used. */
	f->give = 1;
	f->reads = f->wants = 0;
	host_poll((unsigned)conn);
	CHECK(EXPECT(RW, HP, GP).len == 1 && f->reads == 1 && f->wants == 0 && f->in);
	EXPECT_SILENCE();

	/* What fills a hundred buffers. */
	f->give = 200000;
	f->reads = 0;
	host_poll((unsigned)conn);
	while (take_keep(&p, &slot)) {
		CHECK(p.op == RW && p.len == MIN(RX_SLOT - sizeof(p), 200000 - got));
		got += p.len;
		post(slot);
		kick(RX);
	}
	CHECK(got == 200000 && f->given == 200001);
	CHECK(f->reads < 12);
	world_check();
}

static void a_bad_buffer_hides_behind_a_good_one(void)
{
	int conn;
	struct packet p;

	/* Of a batch, only what comes before it is used. */
	world_begin(0, 3);
	conn = guest_opens(GP, HP);
	w.far[conn].give = 100000;
	w.ring[RX].desc[9] = (struct ring_desc){ RX_DATA, sizeof(struct packet), DESC_WRITE, 0 };
	offer(RX, 9);
	host_poll((unsigned)conn);
	for (unsigned i = 0; i < 2; i++)
		CHECK(take(&p) && p.op == RW && p.len == RX_SLOT - sizeof(p));
	kick(RX);
	CHECK(w.v.dev.status & VDEV_NEEDS_RESET);
}

/* --- credit --------------------------------------------------------------------------------- */

static void the_guest_is_sent_more_than_it_has_room_for(void)
{
	struct packet p = packet_of(REQUEST, GP, HP);
	int conn;

	world_begin(0, SLOTS);
	p.buf_alloc = 1000;
	send_pieces(&p, "", 0, UINT32_MAX);
	EXPECT(RESPONSE, HP, GP);
	conn = conn_of(GP, HP);
	w.far[conn].give = 5000;
	host_poll((unsigned)conn);
	CHECK(EXPECT(RW, HP, GP).len == 1000);
	EXPECT(CREDIT_REQUEST, HP, GP);
	EXPECT_SILENCE();
	CHECK(!w.far[conn].in); /* a level-triggered wait would spin */

	send_credit(GP, HP, 1000, 0); /* an answer that changes nothing is not asked again */
	EXPECT_SILENCE();
	send_credit(GP, HP, 1000, 600);
	CHECK(EXPECT(RW, HP, GP).len == 600);
	EXPECT(CREDIT_REQUEST, HP, GP); /* but the next closed window is */
	send_credit(GP, HP, 100, 700);	/* shrunk below what is under way */
	EXPECT_SILENCE();
	send_credit(GP, HP, 899, 700); /* by a byte */
	EXPECT_SILENCE();
	send_credit(GP, HP, 100, 1599);
	CHECK(EXPECT(RW, HP, GP).len == 99);
	EXPECT(CREDIT_REQUEST, HP, GP);
	send_credit(GP, HP, 100, 1700); /* more than it ever got */
	EXPECT_SILENCE();
	send_credit(GP, HP, 0, 1699);
	EXPECT_SILENCE();
	send_credit(GP, HP, GUEST_BUF, 1699);
	CHECK(EXPECT(RW, HP, GP).len == 5000 - 1699);
	EXPECT_SILENCE();
	CHECK(w.far[conn].in);
	world_check();
}

static void credit_in_a_question_is_overlooked(void)
{
	struct packet p = packet_of(REQUEST, GP, HP);
	int conn;

	world_begin(0, SLOTS);
	p.buf_alloc = 0;
	send_pieces(&p, "", 0, UINT32_MAX);
	EXPECT(RESPONSE, HP, GP);
	conn = conn_of(GP, HP);
	w.far[conn].give = 10;
	host_poll((unsigned)conn);
	EXPECT(CREDIT_REQUEST, HP, GP);
	send_op(CREDIT_REQUEST, GP, HP); /* which says 256 KiB */
	EXPECT(CREDIT_UPDATE, HP, GP);
	CHECK(EXPECT(RW, HP, GP).len == 10);
}

static void the_guest_may_send_more_than_there_is_room_for(void)
{
	int conn = world_with_one();

	w.far[conn].room = 0;
	send_letters(GP, HP, 0, VSOCK_BUF);
	CHECK(w.far[conn].open && w.far[conn].out && w.far[conn].taken == 0);
	send_op(CREDIT_REQUEST, GP, HP);
	CHECK(EXPECT(CREDIT_UPDATE, HP, GP).fwd_cnt == 0);
	EXPECT_SILENCE();
	world_check();
	send_letters(GP, HP, VSOCK_BUF, 1);
	EXPECT(RST, HP, GP);
	CHECK(w.far[conn].closed);
	world_check();
}

static void a_guest_out_of_credit_is_told_too_late(void)
{
	int conn = world_with_one();
	uint64_t sent = 0;
	uint32_t fwd = 0;
	struct packet p;

	/* It sends all it may, always; news must come before it stops for good. */
	for (int round = 0; round < 100; round++) {
		uint32_t credit = VSOCK_BUF - ((uint32_t)sent - fwd);

		CHECK(credit > 0);
		send_letters(GP, HP, sent, MIN(credit, 10000u));
		sent += MIN(credit, 10000u);
		while (take(&p)) {
			CHECK(p.op == CREDIT_UPDATE && p.buf_alloc == VSOCK_BUF);
			fwd = p.fwd_cnt;
		}
		if (check.failed)
			return;
	}
	CHECK(w.far[conn].taken == sent);

	/* And so where the host takes them late, a byte at a time. */
	w.far[conn].room = 0;
	send_letters(GP, HP, sent, VSOCK_BUF - ((uint32_t)sent - fwd));
	sent += VSOCK_BUF - ((uint32_t)sent - fwd);
	EXPECT_SILENCE();
	w.far[conn].room = 40000;
	w.far[conn].bite = 1000;
	host_poll((unsigned)conn);
	CHECK(EXPECT(CREDIT_UPDATE, HP, GP).fwd_cnt == w.far[conn].taken);
	world_check();
}

static void a_question_for_credit_is_not_answered(void)
{
	int conn = world_with_one();
	struct packet p;

	send_letters(GP, HP, 0, 123);
	send_op(CREDIT_REQUEST, GP, HP);
	p = EXPECT(CREDIT_UPDATE, HP, GP);
	CHECK(p.fwd_cnt == 123 && p.buf_alloc == VSOCK_BUF);
	(void)conn;
}

static void bytes_are_acknowledged_twice(void)
{
	int conn = world_with_one();
	struct packet p;

	w.far[conn].broken = 1;
	send_letters(GP, HP, 0, 100);
	p = EXPECT(SHUTDOWN, HP, GP);
	CHECK(p.flags == NO_RCV && p.fwd_cnt == 100);
	send_op(CREDIT_REQUEST, GP, HP);
	CHECK(EXPECT(CREDIT_UPDATE, HP, GP).fwd_cnt == 100);
	send_letters(GP, HP, 100, 100); /* under way when it heard */
	send_op(CREDIT_REQUEST, GP, HP);
	CHECK(EXPECT(CREDIT_UPDATE, HP, GP).fwd_cnt == 200);
	world_check();
}

/* --- half-close ----------------------------------------------------------------------------- */

static void host_ends(unsigned conn)
{
	w.far[conn].eof = 1;
	host_poll(conn);
}

static void the_guests_end_overtakes_its_bytes(void)
{
	int conn = world_with_one();

	w.far[conn].room = 10;
	send_letters(GP, HP, 0, 100);
	send_shutdown(GP, HP, NO_SEND);
	CHECK(w.far[conn].open && !w.far[conn].shut_wr && w.far[conn].taken == 10);
	w.far[conn].room = 89;
	host_poll((unsigned)conn);
	CHECK(!w.far[conn].shut_wr);
	w.far[conn].room = 10;
	host_poll((unsigned)conn);
	CHECK(w.far[conn].shut_wr == 1 && w.far[conn].taken == 100 && w.far[conn].open);
	/* The answer still comes: `printf request | client` depends on it. */
	w.far[conn].give = 50;
	host_poll((unsigned)conn);
	CHECK(EXPECT(RW, HP, GP).len == 50);
	/* But nothing more from the guest. */
	send_letters(GP, HP, 100, 1);
	EXPECT(RST, HP, GP);
	CHECK(w.far[conn].closed);
	world_check();
}

static void the_hosts_end_closes_both_ways(void)
{
	int conn = world_with_one();

	w.far[conn].give = 10000;
	w.far[conn].eof = 1;
	while (host_poll((unsigned)conn))
		;
	CHECK(EXPECT(RW, HP, GP).len == RX_SLOT - sizeof(struct packet));
	CHECK(EXPECT(RW, HP, GP).len == RX_SLOT - sizeof(struct packet));
	CHECK(EXPECT(RW, HP, GP).len > 0);
	CHECK(EXPECT(SHUTDOWN, HP, GP).flags == NO_SEND);
	EXPECT_SILENCE();
	CHECK(!w.far[conn].after && !w.far[conn].in);
	send_letters(GP, HP, 0, 1000);
	CHECK(w.far[conn].taken == 1000 && w.far[conn].open);
	send_shutdown(GP, HP, NO_SEND | NO_RCV);
	EXPECT(RST, HP, GP);
	CHECK(w.far[conn].closed);
	world_check();
}

static void an_order_of_ends_leaks_or_hangs(void)
{
	enum { GUEST_SEND = 'g', GUEST_RCV = 'r', GUEST_BOTH = 'b', HOST_EOF = 'h' };
	static const struct {
		const char *order; /* of ends; after the last, all must be gone */
		const char *answers;
	} cases[] = {
		{ "b", "R" },	 { "gr", "R" },	  { "rg", "R" },   { "hb", "SR" },
		{ "hgr", "SR" }, { "hrg", "SR" }, { "ghr", "SR" }, { "gb", "R" },
		{ "rb", "R" },	 { "rhg", "R" },  { "ggr", "R" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int before = check.failed, conn = world_with_one();
		const char *want = cases[i].answers;
		struct packet p;

		for (const char *end = cases[i].order; *end; end++) {
			CHECK(w.far[conn].open);
			if (*end == HOST_EOF)
				host_ends((unsigned)conn);
			else
				send_shutdown(GP, HP,
					      *end == GUEST_SEND  ? NO_SEND
					      : *end == GUEST_RCV ? NO_RCV
								  : NO_SEND | NO_RCV);
		}
		for (; *want; want++)
			CHECK(take(&p) && p.op == (*want == 'S' ? SHUTDOWN : RST));
		EXPECT_SILENCE();
		CHECK(w.far[conn].closed && !w.nopen);
		world_check();
		if (check.failed > before)
			printf("# order %s\n", cases[i].order);
	}
}

static void a_host_that_closed_is_cut_short(void)
{
	int conn = world_with_one();

	w.far[conn].give = 5000;
	w.far[conn].eof = w.far[conn].broken = 1;
	vsock_hung_up(&w.v, (unsigned)conn);
	CHECK(EXPECT(RW, HP, GP).len > 0);
	CHECK(EXPECT(RW, HP, GP).len > 0);
	CHECK(EXPECT(SHUTDOWN, HP, GP).flags == (NO_SEND | NO_RCV));
	EXPECT_SILENCE();
	CHECK(w.far[conn].given == 5000 && w.far[conn].after == VSOCK_PATIENCE_MS);
	send_letters(GP, HP, 0, 10); /* under way: nobody minds */
	CHECK(w.far[conn].open);
	send_op(RST, GP, HP);
	CHECK(w.far[conn].closed);
	EXPECT_SILENCE();

	/* A guest that does not answer. */
	conn = world_with_one();
	w.far[conn].eof = 1;
	vsock_hung_up(&w.v, (unsigned)conn);
	CHECK(EXPECT(SHUTDOWN, HP, GP).flags == (NO_SEND | NO_RCV));
	vsock_timeout(&w.v, (unsigned)conn);
	EXPECT(RST, HP, GP);
	CHECK(w.far[conn].closed);
	world_check();
}

static void a_closed_guest_waits_for_a_host_that_broke(void)
{
	int conn = world_with_one();

	w.far[conn].room = 0;
	send_letters(GP, HP, 0, 100);
	send_shutdown(GP, HP, NO_SEND | NO_RCV);
	CHECK(w.far[conn].open); /* its bytes are not written yet */
	w.far[conn].broken = 1;
	host_poll((unsigned)conn);
	EXPECT(RST, HP, GP); /* nothing is left to wait for */
	EXPECT_SILENCE();
	CHECK(w.far[conn].closed);
	world_check();
}

static void a_reset_guest_loses_bytes_or_its_ports(void)
{
	int conn = world_with_one(), second;

	w.far[conn].room = 0;
	send_letters(GP, HP, 0, 100);
	send_op(RST, GP, HP);
	CHECK(w.far[conn].open && w.v.conns.conn[conn].state == VCONN_DRAINING);
	CHECK(!w.far[conn].in && w.far[conn].out);
	world_check();
	second = guest_opens(GP, HP); /* the same pair */
	CHECK(second != conn && conn_of(GP, HP) == second);
	w.far[conn].room = 60;
	host_poll((unsigned)conn);
	CHECK(w.far[conn].open);
	w.far[conn].room = 40;
	host_poll((unsigned)conn);
	CHECK(w.far[conn].closed && w.far[conn].taken == 100);
	EXPECT_SILENCE(); /* the pair is the other's: no RST for it */
	send_letters(GP, HP, 0, 5);
	CHECK(w.far[second].taken == 5);
	world_check();
}

static void a_draining_connection_outlives_its_host(void)
{
	int conn = world_with_one();

	w.far[conn].room = 0;
	send_letters(GP, HP, 0, 100);
	send_op(RST, GP, HP);
	vsock_hung_up(&w.v, (unsigned)conn);
	CHECK(w.far[conn].closed);
	EXPECT_SILENCE();
	world_check();
}

static void the_last_bytes_before_power_off_are_lost(void)
{
	int conn = world_with_one();
	struct packet p = packet_of(RW, GP, HP);
	struct ring *r = &w.ring[TX];

	/* In the queue, and the notification never came. */
	p.len = 4;
	memcpy(world_ram + TX_DATA, &p, sizeof(p));
	for (unsigned i = 0; i < 4; i++)
		world_ram[TX_DATA + sizeof(p) + i] = letter(GP, 0, i);
	r->desc[9] = (struct ring_desc){ TX_DATA, sizeof(p) + 4, 0, 0 };
	offer(TX, 9);
	w.far[conn].room = 2;
	CHECK(vsock_drain(&w.v) == 1 && w.far[conn].taken == 2);
	w.far[conn].room = 2;
	CHECK(vsock_drain(&w.v) == 0 && w.far[conn].taken == 4);
	world_check();
}

/* --- buffers, turns, resets ----------------------------------------------------------------- */

static void a_guest_without_buffers_makes_the_host_spin(void)
{
	struct packet p;
	uint64_t got = 0;
	unsigned wants, reads;
	int conn;

	world_begin(0, 0);
	send_op(REQUEST, GP, HP);
	conn = conn_of(GP, HP);
	w.far[conn].give = 20000;
	for (int i = 0; i < 10; i++)
		host_poll((unsigned)conn);
	wants = w.far[conn].wants;
	reads = w.far[conn].reads;
	CHECK(!w.far[conn].in && wants <= 2 && reads == 0);
	for (int i = 0; i < 10; i++)
		CHECK(!host_poll((unsigned)conn));
	CHECK(w.far[conn].wants == wants && w.far[conn].reads == reads);
	post_all(2);
	EXPECT(RESPONSE, HP, GP);
	while (take(&p)) {
		CHECK(p.op == RW && w.data[0] == letter(GP, 1, got));
		got += p.len;
	}
	CHECK(got == 20000 && w.far[conn].in);
	world_check();
}

static void a_guest_that_keeps_its_buffers_makes_the_host_spin(void)
{
	struct packet p;
	uint16_t slot;
	int conn;

	world_begin(0, 1);
	send_op(REQUEST, GP, HP);
	conn = conn_of(GP, HP);
	CHECK(take_keep(&p, &slot) && p.op == RESPONSE && w.far[conn].in);
	w.far[conn].give = 100;
	CHECK(host_poll((unsigned)conn) && !host_poll((unsigned)conn));
	post(slot);
	kick(RX);
	CHECK(EXPECT(RW, HP, GP).len == 100);
	CHECK(w.far[conn].in);
	world_check();
}

static void a_flood_of_unknown_packets_grows_something(void)
{
	struct packet p;
	unsigned resets = 0;

	world_begin(0, 0);
	for (uint32_t i = 0; i < 1000; i++)
		send_op(RW, GP + i, HP);
	post_all(SLOTS);
	for (; take(&p); resets++)
		CHECK(p.op == RST && p.dst_port == GP + resets);
	CHECK(resets == VSOCK_RESETS);
	guest_opens(GP, HP);
}

static void a_busy_connection_starves_another(void)
{
	unsigned a, b, from_a = 0, from_b = 0;
	struct packet p;

	world_begin(0, 2);
	a = (unsigned)guest_opens(GP, HP);
	b = (unsigned)guest_opens(GP + 1, HP);
	w.far[a].give = w.far[b].give = 200000;
	host_poll(a);
	host_poll(b);
	for (int i = 0; i < 40 && take(&p); i++) {
		from_a += p.dst_port == GP;
		from_b += p.dst_port == GP + 1;
	}
	CHECK(from_a >= 18 && from_b >= 18);
	/* A newcomer is heard at once. */
	send_op(REQUEST, GP + 2, HP);
	for (int i = 0; i < 6 && take(&p); i++)
		if (p.op == RESPONSE)
			return;
	CHECK(!"a RESPONSE among the next packets");
}

static void the_line_breaks_when_its_last_one_leaves(void)
{
	static const uint32_t left[] = { GP + 1, GP + 3, GP + 4 };
	struct packet p;
	unsigned heard = 0;

	world_begin(0, 0);
	for (uint32_t i = 0; i < 3; i++)
		send_op(REQUEST, GP + i, HP); /* each waits to be answered */
	send_op(RST, GP + 2, HP);
	send_op(REQUEST, GP + 3, HP);
	world_check();
	send_op(RST, GP + 0, HP);
	send_op(REQUEST, GP + 4, HP);
	world_check();
	post_all(SLOTS);
	for (; take(&p) && p.op == RESPONSE; heard++)
		CHECK(p.dst_port == left[heard % 3]);
	CHECK(heard == 3);
}

static void a_reset_leaves_connections(void)
{
	int conn = world_with_one();
	unsigned draining, dialing;

	draining = (unsigned)guest_opens(GP + 1, HP);
	w.far[draining].room = 0;
	send_letters(GP + 1, HP, 0, 10);
	send_op(RST, GP + 1, HP);
	dialing = (unsigned)dial(GP + 2);
	w.far[conn].give = 1000000;
	host_poll((unsigned)conn); /* in line for a buffer */
	send_op(RW, GP + 9, HP);   /* and a RST waits */
	CHECK(w.nopen == 3);
	vdev_set_status(&w.v.dev, 0);
	vdev_run(&w.v.dev);
	CHECK(w.far[conn].closed && w.far[draining].closed && w.far[dialing].closed);
	CHECK(w.nopen == 0);
	world_check();
	driver_up(1);
	post_all(SLOTS);
	EXPECT_SILENCE();
	guest_opens(GP, HP);
	world_check();
}

static void a_device_without_a_driver_is_used(void)
{
	int conn;

	world_begin(0, 0);
	vdev_set_status(&w.v.dev, 0);
	vdev_run(&w.v.dev);
	conn = dial(GP); /* before the driver is up: waits, or times out */
	CHECK(conn >= 0);
	driver_up(0);
	post_all(SLOTS);
	EXPECT(REQUEST, w.v.conns.conn[conn].host_port, GP);
	CHECK(vsock_drain(&w.v) == 0);
}

/* --- everything at once --------------------------------------------------------------------- */

enum { PAIRS = 6, STEPS = 25000 };

/* The guest's end of a connection. */
static struct near {
	int used, open, conn, type;
	uint32_t guest_port, host_port, buf, told, peer_buf, peer_fwd;
	uint64_t sent, got, read;
	uint64_t sent_whole, got_whole; /* of those, bytes of whole messages */
	int ended, peer_ended; /* SHUTDOWN(SEND) sent, received */
} near[PAIRS];

static uint64_t dice;

static uint32_t roll(uint32_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 33) % n;
}

static void near_header(struct near *n, struct packet *p, uint16_t op)
{
	*p = packet_of(op, n->guest_port, n->host_port);
	p->type = (uint16_t)n->type;
	p->buf_alloc = n->buf;
	p->fwd_cnt = n->told = (uint32_t)n->read;
}

static void near_send(struct near *n, uint16_t op, uint32_t len, uint32_t flags)
{
	static uint8_t data[TX_PACKET];
	struct packet p;

	if (op == RW && n->type == MESSAGES)
		len = cut_at_end(n->guest_port, n->sent, len, &flags);
	near_header(n, &p, op);
	p.len = len;
	p.flags = flags;
	for (uint32_t i = 0; i < len; i++)
		data[i] = letter(n->guest_port, 0, n->sent++);
	if (op == RW && (n->type == STREAM || flags))
		n->sent_whole = n->sent;
	send_pieces(&p, data, len, len > 0 && roll(4) == 0 ? 44 + roll(20) + len / 8 : UINT32_MAX);
}

static void near_takes(const struct packet *p)
{
	struct near *n = NULL;

	for (unsigned i = 0; i < PAIRS; i++)
		if (near[i].used && near[i].guest_port == p->dst_port)
			n = &near[i];
	CHECK(n);
	if (!n)
		return;
	n->peer_buf = p->buf_alloc;
	n->peer_fwd = p->fwd_cnt;
	CHECK(p->op == RST || (uint32_t)n->sent - p->fwd_cnt <= VSOCK_BUF);
	switch (p->op) {
	case REQUEST:
		n->host_port = p->src_port;
		n->open = 1;
		near_send(n, RESPONSE, 0, 0);
		break;
	case RESPONSE:
		n->open = 1;
		break;
	case RW:
		CHECK(n->open && !n->peer_ended && p->len > 0);
		for (uint32_t i = 0; i < p->len; i++)
			CHECK(w.data[i] == letter(n->guest_port, 1, n->got++));
		if (n->type == MESSAGES) {
			CHECK(n->got <= message_end(n->guest_port, 1, n->got - p->len));
			CHECK(!!p->flags == (message_end(n->guest_port, 1, n->got - 1) == n->got));
		}
		if (n->type == STREAM || p->flags)
			n->got_whole = n->got;
		CHECK((uint32_t)n->got - n->told <= n->buf);
		break;
	case CREDIT_REQUEST:
		near_send(n, CREDIT_UPDATE, 0, 0);
		break;
	case SHUTDOWN:
		CHECK(p->flags == NO_SEND);
		n->peer_ended = 1;
		break;
	case CREDIT_UPDATE:
		break;
	default:
		printf("# op %u\n", p->op);
		CHECK(!"an op of those");
	}
}

/* The interrupt handler's part: sleeps until it is told. */
static int near_polls(unsigned most)
{
	struct packet p;
	int did = 0;

	if (!w.interrupts[RX])
		return 0;
	while (most-- > 0 && take(&p)) {
		near_takes(&p);
		did = 1;
	}
	if (most + 1 > 0)
		w.interrupts[RX] = 0;
	return did;
}

/* What the application has read is told when the device could think the window closed. */
static void near_reads(struct near *n, uint64_t len)
{
	n->read += MIN(len, n->got_whole - n->read);
	/* Of messages at once, as Linux: the rest of the next one may need all the room there is. */
	if ((uint32_t)n->read - n->told > (n->type == MESSAGES ? 0 : n->buf / 2))
		near_send(n, CREDIT_UPDATE, 0, 0);
}

static void near_step(struct near *n, uint32_t port)
{
	struct far *f = &w.far[n->conn];
	uint32_t credit, most;

	if (!n->used) {
		*n = (struct near){ .used = 1, .guest_port = port, .host_port = HP };
		n->type = roll(2) ? STREAM : MESSAGES;
		n->buf = (n->type == MESSAGES ? REGION : 1000) + roll(100000);
		n->peer_buf = 0;
		if (roll(2)) {
			near_send(n, REQUEST, 0, 0);
			n->conn = conn_of(port, HP);
		} else {
			n->conn = dial_for(port, (enum vsock_type)n->type);
		}
		CHECK(n->conn >= 0);
		w.far[n->conn].room = 0;
		w.far[n->conn].bite = 1 + roll(20000);
		return;
	}
	credit = n->peer_buf - ((uint32_t)n->sent - n->peer_fwd);
	most = roll(2) ? 200 : TX_PACKET;
	switch (roll(8)) {
	case 0:
	case 1:
		if (n->open && !n->ended && credit > 0)
			near_send(n, RW, 1 + roll(MIN(credit, most)), 0);
		break;
	case 2:
		near_reads(n, roll(20000));
		break;
	case 3:
	case 4:
		f->room += roll(roll(2) ? 300 : 30000);
		break;
	case 5:
	case 6:
		if (!f->eof)
			far_gives(f, roll(roll(2) ? 300 : 60000));
		break;
	case 7:
		if (roll(100))
			break;
		if (roll(2))
			f->eof = 1;
		else if (n->open && !n->ended && n->sent == n->sent_whole)
			near_send(n, SHUTDOWN, 0, NO_SEND), n->ended = 1;
	}
}

/* Lets everything come to rest: all that was sent must arrive, and both sides end well. */
static void near_rests(void)
{
	int busy, rounds = 0;

	do {
		busy = near_polls(100);
		for (unsigned q = 0; q < 3; q++)
			busy |= w.again[q] > 0;
		turn();
		for (unsigned i = 0; i < PAIRS; i++) {
			if (!near[i].used)
				continue;
			w.far[near[i].conn].room = UINT64_MAX;
			w.far[near[i].conn].bite = SIZE_MAX;
			busy |= host_poll((unsigned)near[i].conn);
			near_reads(&near[i], UINT64_MAX);
		}
	} while (busy && rounds++ < 10000);
	CHECK(rounds < 10000);
	for (unsigned i = 0; i < PAIRS; i++) {
		struct near *n = &near[i];
		struct far *f = &w.far[n->conn];
		struct packet p;

		if (!n->used)
			continue;
		if (!n->open || n->got != f->given || f->give || n->sent_whole != f->taken)
			printf("# pair %u: open %d; host gave %ju, left %ju, guest got %ju; guest sent "
			       "%ju, host took %ju\n",
			       i, n->open, (uintmax_t)f->given, (uintmax_t)f->give,
			       (uintmax_t)n->got, (uintmax_t)n->sent_whole,
			       (uintmax_t)f->taken);
		CHECK(n->open && n->got == f->given && !f->give && n->sent_whole == f->taken);
		CHECK(n->peer_ended == f->eof && n->ended == f->shut_wr);
		near_send(n, SHUTDOWN, 0, NO_RCV | NO_SEND);
		CHECK(take(&p) && p.op == RST && p.dst_port == n->guest_port);
		CHECK(f->closed);
		n->used = 0;
	}
	EXPECT_SILENCE(); /* and asks to be interrupted for the next one */
	w.interrupts[RX] = 0;
	CHECK(w.nopen == 0);
}

static void any_schedule(uint64_t seed, int event_idx)
{
	uint32_t port = 10000;

	dice = seed;
	memset(near, 0, sizeof(near));
	world_begin(event_idx, 1 + roll(SLOTS));
	for (unsigned step = 0; step < STEPS && !check.failed; step++) {
		near_step(&near[roll(PAIRS)], port++);
		if (roll(4) == 0)
			near_polls(1 + roll(8));
		if (roll(3) == 0) {
			const struct near *n = &near[roll(PAIRS)];

			if (n->used)
				host_poll((unsigned)n->conn);
		}
		turn();
		if (step % 64 == 0)
			world_check();
		if (step % 5000 == 4999)
			near_rests();
	}
	near_rests();
	world_check();
	if (check.failed)
		printf("# seed %ju, event_idx %d\n", (uintmax_t)seed, event_idx);
}

static void a_byte_is_lost_or_doubled(void)
{
	for (uint64_t seed = 1; seed <= 4 && !check.failed; seed++)
		any_schedule(seed * 0x9e3779b97f4a7c15u, seed & 1);
}

int main(void)
{
	TEST(the_host_cannot_connect);
	TEST(a_refused_connect_hangs);
	TEST(a_guest_that_never_answers_is_waited_for);
	TEST(two_connects_get_one_port);
	TEST(the_guest_cannot_connect);
	TEST(the_host_cannot_refuse);
	TEST(the_1025th_connection_breaks_something);
	TEST(a_packet_of_no_connection_is_not_reset);
	TEST(a_hostile_packet_is_served);
	TEST(half_a_header_is_believed);
	TEST(a_header_in_pieces_is_not_understood);
	TEST(a_receive_buffer_in_pieces_is_misfilled);
	TEST(a_broken_ring_goes_unnoticed);
	TEST(a_busy_guest_keeps_the_loop);
	TEST(a_busy_host_keeps_the_loop);
	TEST(a_broken_ring_hides_behind_a_busy_one);
	TEST(a_burst_costs_a_read_for_each_packet);
	TEST(a_bad_buffer_hides_behind_a_good_one);
	TEST(the_guest_is_sent_more_than_it_has_room_for);
	TEST(credit_in_a_question_is_overlooked);
	TEST(the_guest_may_send_more_than_there_is_room_for);
	TEST(a_guest_out_of_credit_is_told_too_late);
	TEST(a_question_for_credit_is_not_answered);
	TEST(bytes_are_acknowledged_twice);
	TEST(the_guests_end_overtakes_its_bytes);
	TEST(the_hosts_end_closes_both_ways);
	TEST(an_order_of_ends_leaks_or_hangs);
	TEST(a_host_that_closed_is_cut_short);
	TEST(a_closed_guest_waits_for_a_host_that_broke);
	TEST(a_reset_guest_loses_bytes_or_its_ports);
	TEST(a_draining_connection_outlives_its_host);
	TEST(the_last_bytes_before_power_off_are_lost);
	TEST(a_guest_without_buffers_makes_the_host_spin);
	TEST(a_guest_that_keeps_its_buffers_makes_the_host_spin);
	TEST(a_flood_of_unknown_packets_grows_something);
	TEST(a_busy_connection_starves_another);
	TEST(the_line_breaks_when_its_last_one_leaves);
	TEST(a_reset_leaves_connections);
	TEST(a_device_without_a_driver_is_used);
	TEST(a_byte_is_lost_or_doubled);
	return check_done();
}
