/* The network device under drivers good and bad, and a host that gives it anything. */
#include "check.h"
#include "net_world.h"

#define MRG NET_F_MRG_RXBUF
#define TSO (NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_CSUM | NET_F_HOST_TSO4)

/* --- helpers -------------------------------------------------------------------------------- */

static uint32_t place; /* of the next buffer */

static void begin(uint64_t features)
{
	place = NET_DATA_AT;
	net_begin(features);
}

/* Descriptor `at` of queue q over the next bytes of RAM. Where they are. */
static uint32_t buffer(unsigned q, uint16_t at, uint32_t len, uint16_t flags)
{
	uint32_t gpa = place;

	w.desc[q][at] = (struct ring_desc){ gpa, len, flags, (uint16_t)(at + 1) };
	place += len + 16; /* a gap, that stays as it is */
	return gpa;
}

static void post(uint16_t at, uint32_t len)
{
	buffer(NET_RX, at, len, DESC_WRITE);
	net_offer(NET_RX, at);
}

static void host_has(unsigned frames, size_t frame_len)
{
	w.frames = w.given + frames;
	w.frame_len = NET_HEADER + frame_len;
	net_readable(&w.net);
}

static uint16_t used(unsigned q)
{
	return w.used[q]->idx;
}

/* Does the frame lie in the buffers of used elements first, first + 1...; it began at `skip`. */
static int arrived(unsigned frame, uint16_t first, size_t len)
{
	size_t at = 0;

	for (; at < len; first++) {
		struct ring_used_elem e = w.used[NET_RX]->ring[first % NET_QUEUE];
		const uint8_t *bytes = net_ram + w.desc[NET_RX][e.id].addr;

		if (e.len == 0)
			return 0;
		for (uint32_t i = 0; i < e.len; i++, at++)
			if ((at < 10 || at >= NET_HEADER) && bytes[i] != letter(frame, at))
				return 0;
		for (uint32_t i = 0; i < 16 && e.len == w.desc[NET_RX][e.id].len; i++)
			if (bytes[e.len + i] != 0)
				return 0; /* beyond the buffer */
	}
	return at == len;
}

static uint16_t num_buffers(uint32_t gpa)
{
	uint16_t n;

	memcpy(&n, net_ram + gpa + 10, 2);
	return n;
}

/* A frame of the guest's: a header, and behind it len bytes. */
static uint8_t *transmit(const struct net_header *h, uint32_t len)
{
	uint16_t at = w.avail[NET_TX]->idx % 64 * 2;
	uint32_t header = buffer(NET_TX, at, sizeof(*h), DESC_NEXT);
	uint32_t data = buffer(NET_TX, (uint16_t)(at + 1), len, 0);

	memcpy(net_ram + header, h, sizeof(*h));
	for (uint32_t i = 0; i < len; i++)
		net_ram[data + i] = letter(77, i);
	net_offer(NET_TX, at);
	vdev_notify(&w.net.dev, NET_TX);
	return net_ram + header;
}

/* --- to the guest --------------------------------------------------------------------------- */

static void a_frame_is_not_what_was_sent(void)
{
	uint32_t at;

	begin(0);
	at = place;
	post(0, 1526);
	post(1, 1526);
	vdev_notify(&w.net.dev, NET_RX);
	CHECK(w.wants && used(NET_RX) == 0);
	host_has(2, 60);
	CHECK(used(NET_RX) == 2 && arrived(0, 0, 72) && arrived(1, 1, 72));
	CHECK(num_buffers(at) == 1 && num_buffers(at + 1526 + 16) == 1);
	CHECK(w.interrupts > 0);
}

/* All buffers of a frame at once: a driver that saw one would take the others for missing. */
static void a_long_frame_is_not_spread_over_buffers(void)
{
	uint32_t at;

	begin(MRG | TSO);
	at = place;
	for (uint16_t i = 0; i < 60; i++)
		post(i, 1500);
	host_has(2, 4000);
	CHECK(used(NET_RX) == 6 && arrived(0, 0, 4012) && arrived(1, 3, 4012));
	CHECK(num_buffers(at) == 3 && num_buffers(at + 3 * 1516) == 3);
	CHECK(w.used[NET_RX]->ring[0].len == 1500 && w.used[NET_RX]->ring[2].len == 1012);
	host_has(1, 65550);
	CHECK(used(NET_RX) == 6 + 44 && arrived(2, 6, 65562));
}

static void the_header_is_lost_in_small_buffers(void)
{
	begin(MRG);
	for (uint16_t i = 0; i < 40; i++)
		post(i, 7);
	host_has(1, 60);
	CHECK(used(NET_RX) == 11 && arrived(0, 0, 72));
	CHECK(net_ram[NET_DATA_AT + 7 + 16 + 3] == 11); /* num_buffers' low byte, in the second */
}

static void a_guest_without_buffers_is_asked_for_ever(void)
{
	begin(MRG);
	host_has(3, 60);
	CHECK(w.reads == 0 && !w.wants);
	post(0, 2000);
	vdev_notify(&w.net.dev, NET_RX);
	CHECK(used(NET_RX) == 1 && arrived(0, 0, 72) && !w.wants);
	post(1, 2000);
	post(2, 2000);
	post(3, 2000);
	vdev_notify(&w.net.dev, NET_RX);
	CHECK(used(NET_RX) == 3 && arrived(2, 2, 72) && w.wants && w.net.lost_rx == 0);
}

static void a_frame_too_long_for_its_buffer_stops_the_others(void)
{
	begin(0);
	for (uint16_t i = 0; i < 4; i++)
		post(i, 100);
	host_has(2, 200);
	CHECK(used(NET_RX) == 0 && w.net.lost_rx == 2 && w.wants);
	host_has(4, 60);
	CHECK(used(NET_RX) == 4 && arrived(2, 0, 72) && arrived(5, 3, 72));
}

static void a_frame_that_waits_for_buffers_is_lost(void)
{
	begin(MRG | TSO);
	post(0, 1000);
	post(1, 1000);
	host_has(2, 3500);
	CHECK(used(NET_RX) == 0 && w.net.held == 3512 && w.given == 1 && !w.wants);
	CHECK(w.after == NET_HELD_MS);
	post(2, 1000);
	vdev_notify(&w.net.dev, NET_RX);
	CHECK(used(NET_RX) == 0);
	for (uint16_t i = 3; i < 9; i++)
		post(i, 1000);
	vdev_notify(&w.net.dev, NET_RX);
	CHECK(used(NET_RX) == 8 && arrived(0, 0, 3512) && arrived(1, 4, 3512));
	CHECK(w.after == 0 && w.net.lost_rx == 0);
}

/* A driver that has no more buffers than that. */
static void a_frame_waits_for_ever(void)
{
	begin(MRG | TSO);
	post(0, 1000);
	post(1, 1000);
	host_has(1, 3500);
	CHECK(w.net.held == 3512 && w.after == NET_HELD_MS);
	net_late(&w.net);
	CHECK(w.net.held == 0 && w.net.lost_rx == 1 && w.wants);
	host_has(1, 60);
	CHECK(used(NET_RX) == 1 && arrived(1, 0, 72));
}

/* Two hundred pieces a buffer: the window ends before the frame does. */
static void buffers_in_pieces_keep_the_loop_busy(void)
{
	begin(MRG | TSO);
	for (uint16_t i = 0; i < 250; i++)
		buffer(NET_RX, i, 1, (uint16_t)(DESC_WRITE | ((i + 1) % 50 ? DESC_NEXT : 0)));
	for (unsigned i = 0; i < 200; i++)
		net_offer(NET_RX, (uint16_t)(i % 5 * 50));
	host_has(1, 3000);
	CHECK(w.net.held == 0 && w.net.lost_rx == 1 && used(NET_RX) == 0);
	host_has(1, 60);
	CHECK(used(NET_RX) == 2 && w.used[NET_RX]->ring[1].len == 22);
}

static void one_turn_takes_all_there_is(void)
{
	begin(MRG);
	for (uint16_t i = 0; i < 200; i++)
		post(i, 1526);
	host_has(200, 60);
	CHECK(used(NET_RX) == 64 && w.again[NET_RX] > 0);
	for (unsigned i = 0; i < 10; i++)
		vdev_notify(&w.net.dev, NET_RX);
	CHECK(used(NET_RX) == 200 && arrived(199, 199, 72));
}

/* The window's arrays begin anew a few times. */
static void the_ring_wraps_wrongly(void)
{
	unsigned frame = 0;
	uint16_t head = 0;

	begin(MRG | TSO);
	for (uint16_t i = 0; i < NET_QUEUE; i++)
		post(i, 1526);
	for (unsigned round = 0; round < 3000; round++) {
		uint16_t before = used(NET_RX);
		size_t len = 60 + round * 37 % 6000;

		host_has(1, len);
		if (!arrived(frame, before, len + NET_HEADER)) {
			CHECK(!"the frame is another");
			return;
		}
		frame++;
		for (; head != used(NET_RX); head++)
			net_offer(NET_RX, (uint16_t)w.used[NET_RX]->ring[head % NET_QUEUE].id);
	}
}

static void a_buffer_that_is_none_is_filled(void)
{
	static const struct {
		const char *why;
		uint32_t len;
		uint16_t flags;
	} cases[] = {
		{ "it is to be read", 1526, 0 },
		{ "a part of it is", 1526, DESC_NEXT },
		{ "it has no room", 0, DESC_WRITE },
		{ "it lies beyond RAM", NET_RAM, DESC_WRITE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s\n", cases[i].why);
		begin(MRG);
		buffer(NET_RX, 0, cases[i].len, cases[i].flags);
		buffer(NET_RX, 1, 1526, DESC_WRITE);
		net_offer(NET_RX, 0);
		host_has(1, 60);
		CHECK(used(NET_RX) == 0 && (w.net.dev.status & VDEV_NEEDS_RESET) && !w.wants);
		CHECK(w.config_interrupts == 1);
	}
}

/* --- from the guest ------------------------------------------------------------------------- */

static void a_frame_goes_out_changed(void)
{
	static const struct net_header plain = { 0 };

	begin(0);
	transmit(&plain, 60);
	CHECK(w.sent == 1 && w.sent_len == 72 && used(NET_TX) == 1);
	CHECK(w.used[NET_TX]->ring[0].len == 0);
	for (size_t i = 0; i < 60; i++)
		CHECK(w.sent_bytes[NET_HEADER + i] == letter(77, i));
}

static void a_host_that_is_busy_loses_frames(void)
{
	static const struct net_header plain = { 0 };

	begin(0);
	w.is_busy = 1;
	transmit(&plain, 60);
	transmit(&plain, 61);
	CHECK(w.sent == 0 && used(NET_TX) == 0);
	w.is_busy = 0;
	net_writable(&w.net);
	CHECK(w.sent == 2 && w.sent_len == 73 && used(NET_TX) == 2);
}

static void a_header_that_was_not_agreed_on_reaches_the_host(void)
{
	static const struct {
		const char *why;
		uint64_t agreed;
		struct net_header h;
		unsigned sent;
	} cases[] = {
		{ "a plain frame", 0, { 0 }, 1 },
		{ "a checksum", NET_F_CSUM, { .flags = 1, .csum_start = 34, .csum_offset = 16 }, 1 },
		{ "a checksum, not agreed on", 0, { .flags = 1, .csum_start = 34, .csum_offset = 16 }, 0 },
		{ "a checksum behind the frame", NET_F_CSUM, { .flags = 1, .csum_start = 90, .csum_offset = 9 }, 0 },
		{ "a checksum that wraps", NET_F_CSUM, { .flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff }, 0 },
		{ "segments", TSO, { 1, 1, 54, 1448, 34, 16, 0 }, 1 },
		{ "segments, not agreed on", NET_F_CSUM, { 1, 1, 54, 1448, 34, 16, 0 }, 0 },
		{ "of the other protocol", TSO, { 1, 4, 54, 1448, 34, 16, 0 }, 0 },
		{ "with ECN, not agreed on", TSO, { 1, 0x81, 54, 1448, 34, 16, 0 }, 0 },
		{ "with ECN", TSO | NET_F_HOST_ECN, { 1, 0x81, 54, 1448, 34, 16, 0 }, 1 },
		{ "of no length", TSO, { 1, 1, 54, 0, 34, 16, 0 }, 0 },
		{ "without a checksum", TSO, { 0, 1, 54, 1448, 34, 16, 0 }, 0 },
		{ "of UDP", TSO, { 1, 3, 54, 1448, 34, 16, 0 }, 0 },
		{ "ECN alone", TSO | NET_F_HOST_ECN, { 1, 0x80, 54, 1448, 34, 16, 0 }, 0 },
		{ "flags nobody knows", 0, { .flags = 0xfe }, 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s\n", cases[i].why);
		begin(cases[i].agreed);
		transmit(&cases[i].h, 100);
		CHECK(w.sent == cases[i].sent && used(NET_TX) == 1);
		CHECK(w.net.lost_tx == 1 - cases[i].sent);
		CHECK(!(w.sent && w.sent_bytes[0] & 0xfe));
	}
}

static void a_frame_that_is_none_stops_the_queue(void)
{
	static const struct net_header plain = { 0 };
	static const struct {
		const char *why;
		uint32_t len;
		uint16_t flags;
	} cases[] = {
		{ "no header", 11, 0 },
		{ "no frame", 12, 0 },
		{ "no whole Ethernet header", 25, 0 },
		{ "it is to be filled", 100, DESC_WRITE },
		{ "a part of it is", 100, DESC_NEXT },
		{ "longer than any", 65563, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s\n", cases[i].why);
		begin(0);
		buffer(NET_TX, 200, cases[i].len, cases[i].flags);
		buffer(NET_TX, 201, 100, DESC_WRITE);
		net_offer(NET_TX, 200);
		vdev_notify(&w.net.dev, NET_TX);
		CHECK(w.sent == 0 && used(NET_TX) == 1 && w.net.lost_tx == 1);
		transmit(&plain, 60);
		CHECK(w.sent == 1 && used(NET_TX) == 2);
	}
}

/* --- the device ----------------------------------------------------------------------------- */

static void a_backend_without_offloads_offers_them(void)
{
	net_begin_with(0, 0);
	CHECK(!(vdev_features(&w.net.dev) & NET_F_OFFLOADS));
	CHECK(vdev_features(&w.net.dev) & NET_F_MRG_RXBUF);
	net_begin_with(0, 1);
	CHECK((vdev_features(&w.net.dev) & NET_F_OFFLOADS) == NET_F_OFFLOADS);
}

static void the_host_does_not_hear_of_a_new_driver(void)
{
	begin(TSO);
	CHECK(w.starts == 1 && (w.features & TSO) == TSO);
	post(0, 1000);
	host_has(1, 60);
	post(1, 1000);
	vdev_notify(&w.net.dev, NET_RX);
	CHECK(used(NET_RX) == 1 && w.starts == 1);
	vdev_set_status(&w.net.dev, 0);
	net_readable(&w.net); /* between the wish and the deed */
	CHECK(!w.wants);
	vdev_run(&w.net.dev);
	net_up(MRG);
	CHECK(w.starts == 2 && !(w.features & TSO));
	place = NET_DATA_AT;
	post(5, 1000);
	host_has(1, 60);
	CHECK(used(NET_RX) == 1 && w.used[NET_RX]->ring[0].id == 5); /* not what the first one gave */
}

static void a_pulled_cable_is_not_told(void)
{
	begin(0);
	CHECK(w.net.config.status == NET_LINK_UP && w.net.dev.generation == 0);
	net_link(&w.net, 0);
	net_link(&w.net, 0);
	CHECK(w.net.config.status == 0 && w.config_interrupts == 1 && w.net.dev.generation == 1);
	net_link(&w.net, 1);
	CHECK(w.net.config.status == NET_LINK_UP && w.config_interrupts == 2 && w.net.dev.generation == 2);
}

/* The host's kernel takes both rings, in which a buffer is, while a frame waits. */
static void begin_with_theirs(void)
{
	w.takes_rings = 1;
	begin(MRG);
	w.takes_rings = 0;
	post(5, 1000);
	w.frames = 1;
	w.frame_len = 60;
}

/* The host's kernel has both rings: what we took from one, or gave to it, would be there twice. */
static void rings_are_served_twice(void)
{
	begin_with_theirs();
	net_readable(&w.net);
	vdev_notify(&w.net.dev, NET_RX);
	vdev_notify(&w.net.dev, NET_TX);
	CHECK(w.starts == 1 && w.reads == 0 && !w.wants && used(NET_RX) == 0);

	net_ours(&w.net, 0); /* the tap is gone, or vhost-net gave up */
	CHECK(w.reads > 0 && used(NET_RX) == 1);
	vdev_set_status(&w.net.dev, 0);
	vdev_run(&w.net.dev);
	CHECK(w.left == 1);
	net_up(MRG);
	CHECK(w.starts == 2); /* and is asked again */
}

static void a_ring_the_kernel_found_broken_goes_on(void)
{
	begin_with_theirs();
	net_ours(&w.net, 1);
	CHECK(w.net.dev.status & VDEV_NEEDS_RESET);
	CHECK(w.reads == 0 && used(NET_RX) == 0 && !w.wants);
	vdev_set_status(&w.net.dev, 0);
	vdev_run(&w.net.dev);
	net_up(MRG);
	CHECK(w.starts == 2 && !(w.net.dev.status & VDEV_NEEDS_RESET));
}

int main(void)
{
	TEST(a_frame_is_not_what_was_sent);
	TEST(a_long_frame_is_not_spread_over_buffers);
	TEST(the_header_is_lost_in_small_buffers);
	TEST(a_guest_without_buffers_is_asked_for_ever);
	TEST(a_frame_too_long_for_its_buffer_stops_the_others);
	TEST(a_frame_that_waits_for_buffers_is_lost);
	TEST(a_frame_waits_for_ever);
	TEST(buffers_in_pieces_keep_the_loop_busy);
	TEST(one_turn_takes_all_there_is);
	TEST(the_ring_wraps_wrongly);
	TEST(a_buffer_that_is_none_is_filled);
	TEST(a_frame_goes_out_changed);
	TEST(a_host_that_is_busy_loses_frames);
	TEST(a_header_that_was_not_agreed_on_reaches_the_host);
	TEST(a_frame_that_is_none_stops_the_queue);
	TEST(a_backend_without_offloads_offers_them);
	TEST(the_host_does_not_hear_of_a_new_driver);
	TEST(a_pulled_cable_is_not_told);
	TEST(rings_are_served_twice);
	TEST(a_ring_the_kernel_found_broken_goes_on);
	return check_done();
}
