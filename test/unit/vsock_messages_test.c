/* The socket device's connections of messages, between a driver and a host that are both arrays. */
#include "check.h"

#define INVARIANT(expr) CHECK(expr)
#include "vsock_world.h"

enum { GP = 1000, HP = 5000 }; /* the guest's port, the host's */

static struct packet expect_at(int line, uint16_t op)
{
	struct packet p = { 0 };

	if (!take(&p) || p.op != op || p.type != MESSAGES) {
		printf("# line %d: wanted op %u, got op %u of type %u\n", line, op, p.op, p.type);
		CHECK(!"the packet expected");
	}
	return p;
}
#define EXPECT(op) expect_at(__LINE__, op)

static int is_silent(void)
{
	struct packet p;

	return !take(&p);
}

/* A connection that the guest opened, all of whose messages have this length; the host's end of it. */
static struct far *world_with_one(uint32_t message)
{
	int conn;

	world_begin(0, SLOTS);
	w.type = MESSAGES;
	w.message = message;
	send_op(REQUEST, GP, HP);
	EXPECT(RESPONSE);
	conn = conn_of(GP, HP);
	CHECK(conn >= 0 && w.far[conn].type == MESSAGES);
	return &w.far[MAX(conn, 0)];
}

static void poll_host(const struct far *f)
{
	host_poll((unsigned)(f - w.far));
}

/* A packet of len letters from place `at` on, with these flags, whatever they should be. */
static void send_part(uint64_t at, uint32_t len, uint32_t flags)
{
	struct packet p = packet_of(RW, GP, HP);

	p.len = len;
	p.flags = flags;
	for (uint32_t i = 0; i < len; i++)
		w.data[i] = letter(GP, 0, at + i);
	send_pieces(&p, w.data, len, UINT32_MAX);
}

/* --- opening -------------------------------------------------------------------------------- */

static void a_guest_that_knows_no_messages_is_sent_some(void)
{
	struct packet p;

	world_features = 0;
	world_begin(0, SLOTS);
	w.type = MESSAGES;
	send_op(REQUEST, GP, HP);
	EXPECT(RST);
	CHECK(w.nopen == 0);
	CHECK(dial_for(GP, VSOCK_SEQPACKET) >= 0);
	CHECK(is_silent() && w.nopen == 0);

	/* One that asks before the driver is there waits, and is heard then. */
	world_features = 1 << 1;
	world_begin(0, 0);
	vdev_set_status(&w.v.dev, 0);
	vdev_run(&w.v.dev);
	w.type = MESSAGES;
	CHECK(dial_for(GP, VSOCK_SEQPACKET) >= 0 && w.nopen == 1);
	driver_up(0);
	post_all(SLOTS);
	p = EXPECT(REQUEST);
	CHECK(p.dst_port == GP && p.buf_alloc == VSOCK_BUF);
	send_op(RESPONSE, GP, p.src_port);
	CHECK(w.far[conn_of(GP, p.src_port)].accepted == 1);
	world_check();
}

static void a_packet_of_the_other_type_is_served(void)
{
	static const uint16_t ops[] = { RW, SHUTDOWN, CREDIT_UPDATE, REQUEST, RESPONSE };

	for (size_t i = 0; i < COUNT(ops); i++) {
		struct far *f = world_with_one(10);

		w.type = STREAM;
		send_op(ops[i], GP, HP);
		EXPECT(RST); /* of what the connection is */
		CHECK(is_silent() && f->closed && f->taken == 0);
		world_check();
	}
}

static void the_guest_is_told_of_more_room_than_the_host_has(void)
{
	world_begin(0, SLOTS);
	w.type = MESSAGES;
	w.host.message_max = 5000;
	send_op(REQUEST, GP, HP);
	CHECK(EXPECT(RESPONSE).buf_alloc == 5000);
	w.message = 5000;
	send_letters(GP, HP, 0, 5000);
	CHECK(w.far[conn_of(GP, HP)].taken == 5000);
	CHECK(EXPECT(CREDIT_UPDATE).fwd_cnt == 5000);
	send_part(5000, 5001, EOM);
	EXPECT(RST);
	CHECK(w.nopen == 0);
}

/* --- to the host ---------------------------------------------------------------------------- */

static void the_host_gets_half_a_message(void)
{
	struct far *f = world_with_one(100);

	send_part(0, 60, 0);
	CHECK(f->taken == 0 && !f->out); /* a wait for what could be written would spin */
	send_part(60, 30, 2);		 /* the end of a record is not one of a message */
	CHECK(f->taken == 0 && !f->out);
	send_part(90, 10, EOM);
	CHECK(f->taken == 100);
	send_part(100, 50, 0);
	send_part(150, 50, EOM | 2);
	CHECK(f->taken == 200);
	world_check();
}

static void waiting_messages_become_one(void)
{
	struct far *f = world_with_one(7);

	f->room = 0;
	send_letters(GP, HP, 0, 7 * 500);
	send_part(7 * 500, 3, 0);
	CHECK(f->taken == 0 && f->out);
	world_check();
	f->room = 7 * 100 + 6;
	poll_host(f);
	CHECK(f->taken == 7 * 100 && f->out);
	f->room = UINT64_MAX;
	poll_host(f);
	CHECK(f->taken == 7 * 500 && !f->out);
	send_part(7 * 500 + 3, 4, EOM);
	CHECK(f->taken == 7 * 501);
	world_check();
}

/* So many that the buffer goes round, and as small as can be. */
static void a_message_of_a_byte_takes_more_room_than_that(void)
{
	struct far *f = world_with_one(1);

	f->room = 0;
	for (uint64_t at = 0; at < VSOCK_BUF; at++)
		send_part(at, 1, EOM);
	CHECK(f->open && f->taken == 0);
	f->room = VSOCK_BUF - 100;
	poll_host(f);
	for (uint64_t at = VSOCK_BUF; at < 2 * VSOCK_BUF - 100; at++)
		send_part(at, 1, EOM);
	f->room = UINT64_MAX;
	poll_host(f);
	CHECK(f->taken == 2 * VSOCK_BUF - 100);
	world_check();
	f->room = 0;
	send_part(f->taken, 1, EOM);
	for (uint64_t at = 1; at < VSOCK_BUF; at++)
		send_part(f->taken + at, 1, EOM);
	send_part(f->taken + VSOCK_BUF, 1, EOM);
	CHECK(f->closed); /* a byte more than its credit */
}

static void a_message_without_bytes_reads_as_the_end(void)
{
	struct far *f = world_with_one(10);

	send_part(0, 0, EOM);
	send_part(0, 0, 0);
	CHECK(f->taken == 0 && !f->shut_wr && !f->out && f->open);
	send_part(0, 10, 0);
	send_part(10, 0, EOM); /* but it is the end of one */
	CHECK(f->taken == 10);
	f->room = 0;
	send_part(10, 10, EOM);
	send_part(20, 0, EOM);
	send_part(20, 10, EOM);
	f->room = UINT64_MAX;
	poll_host(f);
	CHECK(f->taken == 30);
	world_check();
}

static void a_message_that_fills_the_credit_stops_the_guest(void)
{
	struct far *f = world_with_one(VSOCK_BUF);
	struct packet p;

	/* Behind one that has gone, whose credit it needs. */
	w.message = 100000;
	send_letters(GP, HP, 0, 100000);
	CHECK(f->taken == 100000 && is_silent());
	w.message = 0;
	w.noise = 1; /* another length */
	send_part(0, 20000, 0);
	CHECK(is_silent());
	send_part(0, 20000, 0);
	p = EXPECT(CREDIT_UPDATE);
	CHECK(p.fwd_cnt == 100000 && p.buf_alloc == VSOCK_BUF);
	for (uint32_t left = VSOCK_BUF - 40000, n; left > 0; left -= n) {
		n = MIN(left, 60000u);
		send_part(0, n, left == n ? EOM : 0);
	}
	CHECK(f->taken == 100000 + VSOCK_BUF && f->open);
	while (take(&p))
		CHECK(p.op == CREDIT_UPDATE);

	/* One that has no end within it never gets one. */
	for (unsigned i = 0; i < 4; i++)
		send_part(0, VSOCK_BUF / 4 - (i == 3), 0);
	CHECK(f->open && is_silent());
	send_part(0, 1, 0);
	EXPECT(RST);
	CHECK(f->closed);
	world_check();
}

static void a_message_the_guest_left_unfinished_arrives(void)
{
	struct far *f = world_with_one(10);

	send_part(0, 10, EOM);
	send_part(10, 5, 0);
	send_shutdown(GP, HP, NO_SEND);
	CHECK(f->taken == 10 && f->shut_wr == 1 && f->open);
	send_op(CREDIT_REQUEST, GP, HP);
	CHECK(EXPECT(CREDIT_UPDATE).fwd_cnt == 15); /* the bytes are gone all the same */
	send_shutdown(GP, HP, NO_RCV);
	EXPECT(RST);
	CHECK(f->closed);

	/* And where some of before wait: these arrive. */
	for (int by_reset = 0; by_reset < 2; by_reset++) {
		f = world_with_one(10);
		f->room = 0;
		send_letters(GP, HP, 0, 30);
		send_part(30, 5, 0);
		if (by_reset)
			send_op(RST, GP, HP);
		else
			send_shutdown(GP, HP, NO_SEND | NO_RCV);
		CHECK(f->open && f->out);
		world_check();
		f->room = UINT64_MAX;
		poll_host(f);
		CHECK(f->closed && f->taken == 30);
		world_check();
	}

	/* Nothing waits but a beginning: nothing is waited for. */
	f = world_with_one(10);
	send_part(0, 5, 0);
	send_op(RST, GP, HP);
	CHECK(f->closed && f->taken == 0);
	world_check();
}

static void marks_of_one_connection_are_met_by_the_next(void)
{
	struct far *f = world_with_one(3);

	f->room = 0;
	send_letters(GP, HP, 0, 3000);
	f->broken = 1;
	vsock_hung_up(&w.v, (unsigned)(f - w.far));
	EXPECT(SHUTDOWN);
	send_letters(GP, HP, 3000, 30); /* under way: nobody minds */
	send_op(RST, GP, HP);
	CHECK(f->closed);
	w.message = 1000;
	send_op(REQUEST, GP, HP);
	EXPECT(RESPONSE);
	CHECK(conn_of(GP, HP) == (int)(f - w.far)); /* in the same buffer */
	f->room = 0;
	send_letters(GP, HP, 0, 5000);
	f->room = UINT64_MAX;
	poll_host(f);
	CHECK(f->taken == 5000);
	world_check();
}

/* --- to the guest --------------------------------------------------------------------------- */

/* Takes packets of data until one ends a message; its length, or 0 where it has none or a wrong letter. */
static uint32_t take_message(uint64_t at, unsigned *packets)
{
	struct packet p;
	uint32_t len = 0;

	for (*packets = 1; take(&p) && p.op == RW && p.type == MESSAGES; ++*packets) {
		for (uint32_t i = 0; i < p.len; i++)
			if (w.data[i] != letter(GP, 1, at + len + i))
				return 0;
		len += p.len;
		if (p.flags)
			return p.flags == EOM ? len : 0;
	}
	return 0;
}

static void the_guest_gets_messages_cut_elsewhere(void)
{
	static const uint32_t lengths[] = { 1,	  43,	 4051,	 4052,	 4053,
					    8104, 65536, 204800, VSOCK_BUF };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		uint32_t len = lengths[i], room = RX_SLOT - sizeof(struct packet);
		struct far *f = world_with_one(len);
		unsigned packets;

		send_credit(GP, HP, 4 * VSOCK_BUF, 0);
		f->give = 3 * len;
		poll_host(f);
		for (unsigned n = 0; n < 3; n++) {
			CHECK(take_message(n * (uint64_t)len, &packets) == len);
			CHECK(packets == (len + room - 1) / room);
		}
		CHECK(is_silent() && f->given == 3 * (uint64_t)len && f->in);
		world_check();
	}
}

static void a_closed_window_cuts_a_message(void)
{
	struct far *f = world_with_one(900);
	struct packet p;

	send_credit(GP, HP, 1000, 0);
	f->give = 1800;
	poll_host(f);
	p = EXPECT(RW);
	CHECK(p.len == 900 && p.flags == EOM);
	p = EXPECT(RW);
	CHECK(p.len == 100 && !p.flags);
	EXPECT(CREDIT_REQUEST);
	CHECK(is_silent() && !f->in);
	send_credit(GP, HP, 1000, 900);
	p = EXPECT(RW);
	CHECK(p.len == 800 && p.flags == EOM);
	CHECK(w.data[799] == letter(GP, 1, 1799) && is_silent());
	world_check();
}

/* Alone it would stop the connection for good: Linux's reader frees the room of whole ones only. */
static void a_message_longer_than_the_guests_buffer_hangs(void)
{
	struct far *f = world_with_one(1000);
	unsigned packets;

	send_credit(GP, HP, 1000, 0);
	f->give = 1000;
	poll_host(f);
	CHECK(take_message(0, &packets) == 1000);
	send_credit(GP, HP, 999, 1000);
	f->give = 1000;
	while (take(&(struct packet){ 0 }))
		;
	poll_host(f);
	EXPECT(RST);
	CHECK(f->closed);
	world_check();

	f = world_with_one(VSOCK_BUF + 1);
	send_credit(GP, HP, INT32_MAX, 0);
	f->give = VSOCK_BUF + 1;
	poll_host(f);
	EXPECT(RST);
	CHECK(f->closed && is_silent());
	world_check();
}

static void the_hosts_end_overtakes_its_messages(void)
{
	struct far *f = world_with_one(6000);
	unsigned packets;

	f->give = 12000;
	f->eof = f->broken = 1;
	vsock_hung_up(&w.v, (unsigned)(f - w.far));
	CHECK(take_message(0, &packets) == 6000);
	CHECK(take_message(6000, &packets) == 6000);
	CHECK(EXPECT(SHUTDOWN).flags == (NO_SEND | NO_RCV));
	CHECK(is_silent());
	send_op(RST, GP, HP);
	CHECK(f->closed);

	f = world_with_one(10);
	f->give = 10;
	f->eof = 1;
	poll_host(f);
	CHECK(take_message(0, &packets) == 10);
	CHECK(EXPECT(SHUTDOWN).flags == NO_SEND && is_silent());
	send_letters(GP, HP, 0, 10); /* the other half stays */
	CHECK(f->taken == 10);
	world_check();
}

static void a_long_message_starves_another_connection(void)
{
	struct far *f = world_with_one(260000);
	struct packet p = { 0 };
	unsigned turns = 0;

	f->give = 260000;
	poll_host(f); /* fills all buffers */
	send_op(REQUEST, GP + 1, HP);
	while (p.op != RESPONSE && take(&p))
		turns++;
	CHECK(p.op == RESPONSE && turns < SLOTS + 4);
	world_check();
}

int main(void)
{
	TEST(a_guest_that_knows_no_messages_is_sent_some);
	TEST(a_packet_of_the_other_type_is_served);
	TEST(the_guest_is_told_of_more_room_than_the_host_has);
	TEST(the_host_gets_half_a_message);
	TEST(waiting_messages_become_one);
	TEST(a_message_of_a_byte_takes_more_room_than_that);
	TEST(a_message_without_bytes_reads_as_the_end);
	TEST(a_message_that_fills_the_credit_stops_the_guest);
	TEST(a_message_the_guest_left_unfinished_arrives);
	TEST(marks_of_one_connection_are_met_by_the_next);
	TEST(the_guest_gets_messages_cut_elsewhere);
	TEST(a_closed_window_cuts_a_message);
	TEST(a_message_longer_than_the_guests_buffer_hangs);
	TEST(the_hosts_end_overtakes_its_messages);
	TEST(a_long_message_starves_another_connection);
	return check_done();
}
