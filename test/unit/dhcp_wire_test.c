/* DHCP messages: what a hostile network may send, and what is made of it. */
#include <errno.h>

#include "base/util.h"
#include "check.h"
#include "proto/dhcp.h"

static uint8_t mem[DHCP_PACKET_MAX];
static size_t used;
static struct dhcp_answer answer;

/* An answer as servers send it, without options. */
static void begin(void)
{
	static const uint8_t fixed[] = { 2, 1, 6, 0, 1, 2, 3, 4 };

	memset(mem, 0, sizeof(mem));
	memcpy(mem, fixed, sizeof(fixed));
	memcpy(mem + 16, (uint8_t[]){ 10, 0, 0, 5 }, 4);
	memcpy(mem + 28, (uint8_t[]){ 2, 0, 0, 0, 0, 7 }, 6);
	memcpy(mem + 236, (uint8_t[]){ 0x63, 0x82, 0x53, 0x63 }, 4);
	used = 240;
}

static void add(const void *option, size_t len)
{
	memcpy(mem + used, option, len);
	used += len;
}
#define ADD(...) add((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void begin_ack(void)
{
	begin();
	ADD(53, 1, DHCP_ACK, 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 0, 100);
}

static int decoded(void)
{
	return dhcp_decode(&answer, mem, used);
}

static void an_answer_is_misread(void)
{
	begin_ack();
	ADD(0, 0, 1, 4, 255, 255, 240, 0, 3, 8, 10, 0, 0, 1, 10, 0, 0, 9);
	ADD(6, 4, 10, 0, 0, 3, 12, 1, 'h', 15, 5, 'a', '.', 'b', '.', 0);
	ADD(6, 12, 9, 9, 9, 9, 127, 0, 0, 1, 8, 8, 8, 8); /* RFC 3396: one option in two parts */
	ADD(255, 99, 99);
	CHECK(decoded() == 0);
	CHECK(answer.type == DHCP_ACK && answer.xid == 0x01020304 && answer.mac[5] == 7);
	CHECK(answer.addr[3] == 5 && answer.prefix == 20 && answer.server[3] == 1);
	CHECK(answer.lease_s == 100 && answer.renew_s == 50 && answer.rebind_s == 88);
	CHECK(answer.nroutes == 1 && !answer.routes[0].prefix && answer.routes[0].gateway[3] == 1);
	CHECK(answer.ndns == 3 && answer.dns[0][3] == 3 && answer.dns[2][0] == 8);
	CHECK(answer.nsearch == 1 && !strcmp(answer.search[0], "a.b"));
}

static void classless_routes_do_not_replace_the_router(void)
{
	begin_ack();
	ADD(3, 4, 10, 0, 0, 1, 1, 4, 255, 0, 0, 0);
	ADD(121, 9, 20, 10, 9, 0xff, 10, 0, 0, 2, 0);
	ADD(121, 4, 10, 0, 0, 3); /* the default, cut by the option's end */
	CHECK(decoded() == 0 && answer.nroutes == 2);
	CHECK(answer.routes[0].prefix == 20 && answer.routes[0].net[2] == 0xf0);
	CHECK(answer.routes[1].prefix == 0 && answer.routes[1].gateway[3] == 3);
}

static void options_in_file_and_sname_are_missed(void)
{
	begin_ack();
	ADD(52, 1, 3, 6, 4, 1, 1, 1, 1);
	memcpy(mem + 108, (uint8_t[]){ 6, 4, 2, 2, 2, 2, 255 }, 7);
	memcpy(mem + 44, (uint8_t[]){ 6, 4, 3, 3, 3, 3 }, 6); /* no end, but padding */
	CHECK(decoded() == 0 && answer.ndns == 3);
	CHECK(answer.dns[0][0] == 1 && answer.dns[1][0] == 2 && answer.dns[2][0] == 3);
	mem[44 + 6] = 99, mem[44 + 7] = 250; /* out of sname */
	CHECK(decoded() == -EPROTO);
}

static void a_search_list_is_not_expanded(void)
{
	begin_ack();
	ADD(15, 1, 'z');
	ADD(119, 9, 3, 'e', 'n', 'g', 5, 'a', 'p', 'p', 'l');
	ADD(119, 18, 'e', 3, 'c', 'o', 'm', 0, 2, 'm', 'x', 0xc0, 4, 4, 'e', '\n', 's', 'x', 0xc0,
	    4);
	CHECK(decoded() == 0 && answer.nsearch == 2); /* the third has a line's end in it */
	CHECK(!strcmp(answer.search[0], "eng.apple.com") &&
	      !strcmp(answer.search[1], "mx.apple.com"));
	begin_ack();
	ADD(119, 6, 1, 'a', 0, 0xc0, 3, 0); /* to itself */
	CHECK(decoded() == 0 && answer.nsearch == 1);
	begin_ack();
	ADD(119, 8, 1, 'a', 0xc0, 4, 1, 'b', 0xc0, 0); /* forwards */
	CHECK(decoded() == 0 && answer.nsearch == 0);
	begin_ack();
	ADD(15, 9, 'a', '\n', 'b', ' ', 'c', '.', 'd', 'e', 'f');
	CHECK(decoded() == 0 && answer.nsearch == 0);
}

/* Each is the good answer, and one thing. */
static void malice_is_believed(void)
{
	static const struct {
		const char *why;
		int at; /* this byte becomes `to`, where there is no option */
		uint8_t option[12], len, to;
	} table[] = {
		{ "a question", 0, { 0 }, 0, 1 },
		{ "not Ethernet", 1, { 0 }, 0, 6 },
		{ "an address of 16 bytes", 2, { 0 }, 0, 16 },
		{ "another cookie", 239, { 0 }, 0, 0 },
		{ "nobody's address", 16, { 0 }, 0, 0 },
		{ "a loopback's address", 16, { 0 }, 0, 127 },
		{ "a group's address", 16, { 0 }, 0, 224 },
		{ "a DECLINE", 242, { 0 }, 0, 4 },
		{ "a type of two bytes", -1, { 53, 1, 5 }, 3, 0 },
		{ "an option beyond the end", -1, { 6, 200, 1 }, 3, 0 },
		{ "an option without its length", -1, { 6 }, 1, 0 },
		{ "a mask with a hole", -1, { 1, 4, 255, 0, 255, 0 }, 6, 0 },
		{ "a mask of nothing", -1, { 1, 4, 0, 0, 0, 0 }, 6, 0 },
		{ "a mask of three bytes", -1, { 1, 3, 255, 0, 0 }, 5, 0 },
		{ "a second lease", -1, { 51, 4, 0, 0, 0, 1 }, 6, 0 },
		{ "a router of five bytes", -1, { 3, 5, 10, 0, 0, 1, 1 }, 7, 0 },
		{ "half a name server", -1, { 6, 2, 10, 0 }, 4, 0 },
		{ "a T1 of one byte", -1, { 58, 1, 9 }, 3, 0 },
		{ "a network of 33 bits", -1, { 121, 9, 33, 1, 1, 1, 1, 10, 0, 0, 1 }, 11, 0 },
		{ "half a route", -1, { 121, 4, 24, 10, 0, 0 }, 6, 0 },
		{ "an overload of no place", -1, { 52, 1, 4 }, 3, 0 },
	};

	begin_ack();
	CHECK(decoded() == 0);
	for (size_t i = 0; i < COUNT(table); i++) {
		begin_ack();
		if (table[i].at >= 0)
			mem[table[i].at] = table[i].to;
		add(table[i].option, table[i].len);
		if (decoded() != -EPROTO)
			printf("# %s\n", table[i].why);
		CHECK(decoded() == -EPROTO);
	}
	begin();
	ADD(53, 1, DHCP_OFFER, 54, 4, 10, 0, 0, 1);
	CHECK(decoded() == -EPROTO); /* no lease */
	begin();
	ADD(53, 1, DHCP_OFFER, 51, 4, 0, 0, 0, 9);
	CHECK(decoded() == -EPROTO); /* no server */
	begin();
	ADD(53, 1, DHCP_NAK);
	CHECK(decoded() == 0 && answer.type == DHCP_NAK && answer.lease_s == 0);
	for (size_t len = 0; len < 240; len++)
		CHECK(dhcp_decode(&answer, mem, len) == -EPROTO);
	CHECK(dhcp_decode(&answer, mem, DHCP_BYTES_MAX + 1) == -EPROTO);
}

static void times_out_of_order_are_believed(void)
{
	begin_ack();
	ADD(58, 4, 0, 0, 0, 99, 59, 4, 0, 0, 1, 0);
	CHECK(decoded() == 0 && answer.renew_s == 50 && answer.rebind_s == 88);
	begin_ack();
	ADD(58, 4, 0, 0, 0, 10, 59, 4, 0, 0, 0, 20);
	CHECK(decoded() == 0 && answer.renew_s == 10 && answer.rebind_s == 20);
}

/* A packet as the peer's: ports turned round, sums made anew by hand. */
static void a_damaged_packet_is_taken(void)
{
	struct dhcp_query q = { .type = DHCP_DISCOVER, .xid = 7, .hostname = "web" };
	uint8_t message[DHCP_BYTES_MAX], packet[DHCP_PACKET_MAX];
	const uint8_t *back = NULL;
	long n = dhcp_encode(&q, message, sizeof(message)), len;

	CHECK(n >= 300);
	len = dhcp_wrap(message, (size_t)n, packet, sizeof(packet));
	CHECK(len == n + 28);
	CHECK(dhcp_unwrap(packet, (size_t)len, 0, &back) == -EPROTO); /* for a server */
	packet[21] = 67, packet[23] = 68; /* the sum is the same: the ports are swapped */
	CHECK(dhcp_unwrap(packet, (size_t)len, 0, &back) == n && !memcmp(back, message, (size_t)n));
	CHECK(dhcp_unwrap(packet, (size_t)len - 1, 0, &back) == -EPROTO);
	packet[len - 1] ^= 1;
	CHECK(dhcp_unwrap(packet, (size_t)len, 0, &back) == -EPROTO);
	CHECK(dhcp_unwrap(packet, (size_t)len, 1, &back) == n); /* not summed yet */
	packet[26] = packet[27] = 0;				/* the sender made none */
	CHECK(dhcp_unwrap(packet, (size_t)len, 0, &back) == n);
	packet[24] = 0xff; /* a UDP length beyond the packet */
	CHECK(dhcp_unwrap(packet, (size_t)len, 1, &back) == -EPROTO);
	packet[8] ^= 1; /* the IP header's own sum */
	CHECK(dhcp_unwrap(packet, (size_t)len, 1, &back) == -EPROTO);
	for (size_t i = 0; i < 28; i++)
		CHECK(dhcp_unwrap(packet, i, 1, &back) == -EPROTO);
	CHECK(dhcp_encode(&q, message, 299) == -EMSGSIZE);
	CHECK(dhcp_wrap(message, (size_t)n, packet, (size_t)n + 27) == -EMSGSIZE);
}

int main(void)
{
	TEST(an_answer_is_misread);
	TEST(classless_routes_do_not_replace_the_router);
	TEST(options_in_file_and_sname_are_missed);
	TEST(a_search_list_is_not_expanded);
	TEST(malice_is_believed);
	TEST(times_out_of_order_are_believed);
	TEST(a_damaged_packet_is_taken);
	return check_done();
}
