/* SSH's packets before there are keys: any length that is said of one, and any padding. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "check.h"
#include "ssh/packet.h"

static struct packet p;
static uint8_t wire[PACKET_MAX + 64], payload[PACKET_MAX];

/* A packet that says of itself what it likes. How many bytes. */
static size_t put(uint32_t length, uint8_t padding, size_t bytes)
{
	struct wr w = wr_init(wire, sizeof(wire));

	memset(wire, 0x5a, sizeof(wire));
	wr_be32(&w, length);
	wr_u8(&w, padding);
	return bytes;
}

static long take(size_t len)
{
	memset(&p, 0, sizeof(p));
	return packet_take(&p, wire, len);
}

static void what_was_made_is_not_what_is_taken(void)
{
	static const size_t lengths[] = { 1, 2, 3, 6, 7, 8, 9, 11, 12, 255, 256, 1000, 32768, PACKET_MAX - 16 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct wr w = wr_init(wire, sizeof(wire));
		size_t len = lengths[i], whole;
		struct rd r;

		for (size_t at = 0; at < len; at++)
			payload[at] = (uint8_t)(at * 7);
		packet_put(&w, payload, len);
		whole = wr_len(&w, wire);
		CHECK(!w.bad && whole % 8 == 0 && whole >= 16 && wire[4] >= 4);
		CHECK(take(whole) == (long)whole && p.payload == len);
		r = packet_read(&p);
		CHECK((size_t)(r.end - r.at) == len && !memcmp(r.at, payload, len));
		/* Byte for byte it is the same, and whole with its last one. */
		memset(&p, 0, sizeof(p));
		for (size_t at = 0; at < whole; at++) {
			CHECK(packet_take(&p, wire + at, 1) == 1);
			if ((p.payload != 0) != (at == whole - 1))
				CHECK(!"whole too early, or never");
		}
		CHECK(p.payload == len);
	}
}

static void a_length_is_believed(void)
{
	static const struct {
		const char *why;
		uint32_t length;
		uint8_t padding;
		int is_good;
	} cases[] = {
		{ "nothing at all", 0, 4, 0 },
		{ "one byte", 1, 4, 0 },
		{ "a block, which is too little", 4, 4, 0 },
		{ "two blocks", 12, 4, 1 },
		{ "no whole blocks", 13, 4, 0 },
		{ "the largest that is whole blocks", PACKET_MAX / 8 * 8 - 4, 4, 1 },
		{ "a block more", PACKET_MAX / 8 * 8 + 4, 4, 0 },
		{ "the largest number there is", UINT32_MAX, 4, 0 },
		{ "the largest of whole blocks", UINT32_MAX - 3, 4, 0 },
		{ "negative, for whoever has a sign", 0x80000004, 4, 0 },
		{ "no padding", 12, 0, 0 },
		{ "too little of it", 12, 3, 0 },
		{ "all but a byte is padding", 12, 10, 1 },
		{ "all is", 12, 11, 0 },
		{ "and more", 12, 12, 0 },
		{ "much more", 12, 255, 0 },
		{ "as much as there can be", 268, 255, 1 },
		{ "of a packet that it fills", 252, 255, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t whole = MIN((size_t)cases[i].length + 4, sizeof(wire));
		long n = take(put(cases[i].length, cases[i].padding, whole));
		size_t want = cases[i].length - 1u - cases[i].padding;

		if (cases[i].is_good != (n == (long)whole))
			printf("# %s: %ld\n", cases[i].why, n);
		CHECK(cases[i].is_good ? n == (long)whole && p.payload == want : n == -EPROTO);
	}
}

/* A length that cannot be is told with its fourth byte, and not waited for. */
static void a_packet_that_cannot_be_is_waited_for(void)
{
	CHECK(take(put(UINT32_MAX, 4, 3)) == 3 && p.payload == 0);
	CHECK(take(put(UINT32_MAX, 4, 4)) == -EPROTO);
	CHECK(take(put(12, 4, 4)) == 4 && p.payload == 0);
}

static void the_next_one_is_taken_with_it(void)
{
	struct wr w = wr_init(wire, sizeof(wire));
	size_t first, both;

	packet_put(&w, "first", 5);
	first = wr_len(&w, wire);
	packet_put(&w, "the second", 10);
	both = wr_len(&w, wire);
	CHECK(take(both) == (long)first && p.payload == 5);
	CHECK(packet_take(&p, wire + first, both - first) == (long)(both - first));
	CHECK(p.payload == 10 && !memcmp(packet_read(&p).at, "the second", 10));
	CHECK(packet_take(&p, wire, 0) == 0 && p.payload == 0); /* what was whole is through */
}

static void one_is_made_where_there_is_no_room(void)
{
	for (size_t room = 0; room < 24; room++) {
		struct wr w = wr_init(wire, room);

		memset(wire, 0x5a, sizeof(wire));
		packet_put(&w, "twelve bytes", 12);
		CHECK(w.bad == (room < 24) && wire[room] == 0x5a);
	}
}

int main(void)
{
	TEST(what_was_made_is_not_what_is_taken);
	TEST(a_length_is_believed);
	TEST(a_packet_that_cannot_be_is_waited_for);
	TEST(the_next_one_is_taken_with_it);
	TEST(one_is_made_where_there_is_no_room);
	return check_done();
}
