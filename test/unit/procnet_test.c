/* Which sockets listen: the kernel's text, line by line, and what a snapshot and a change are. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "guest/info.h"
#include "guest/procnet.h"

#define TAIL " 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0"

static void a_line_is_read_otherwise(void)
{
	static const struct {
		const char *line;
		uint8_t proto, family;
		int rc;
		struct port port;
		const char *why;
	} cases[] = {
		{ "  sl  local_address rem_address   st tx_queue rx_queue", PORT_TCP, 4, 0, { 0 }, "the heading" },
		{ "   0: 0100007F:1F90 00000000:0000 0A" TAIL,
		  PORT_TCP, 4, 1, { PORT_TCP, 4, 8080, 1000, { 127, 0, 0, 1 } }, "tcp" },
		{ "1234: 00000000:0016 00000000:0000 0A" TAIL,
		  PORT_TCP, 4, 1, { PORT_TCP, 4, 22, 1000, { 0 } }, "any address" },
		{ "   1: 0100007F:1F90 0100007F:D431 01" TAIL, PORT_TCP, 4, 0, { 0 }, "a connection" },
		{ "   0: 00000000000000000000000001000000:1F91 "
		  "00000000000000000000000000000000:0000 0A" TAIL,
		  PORT_TCP, 6, 1, { PORT_TCP, 6, 8081, 1000, { [15] = 1 } }, "tcp6" },
		{ "  77: 3500007F:0035 00000000:0000 07" TAIL,
		  PORT_UDP, 4, 1, { PORT_UDP, 4, 53, 1000, { 127, 0, 0, 53 } }, "udp, bound" },
		{ "  77: 3500007F:0035 0100007F:1234 01" TAIL, PORT_UDP, 4, 0, { 0 }, "udp, connected" },
		{ "   0: 0100007F:0000 00000000:0000 0A" TAIL, PORT_TCP, 4, 0, { 0 }, "no port" },
		{ "", PORT_TCP, 4, -71, { 0 }, "nothing" },
		{ "   0: 0100007F:1F90 00000000:0000 0A", PORT_TCP, 4, -71, { 0 }, "cut" },
		{ "   0: 0100007:1F90 00000000:0000 0A" TAIL, PORT_TCP, 4, -71, { 0 }, "7 digits" },
		{ "   0: 0100007F:1F90 00000000:0000 0A" TAIL, PORT_TCP, 6, -71, { 0 }, "tcp where tcp6 should be" },
		{ "   0: 0100007F:1F9X 00000000:0000 0A" TAIL, PORT_TCP, 4, -71, { 0 }, "no digit" },
		{ "99999999999: 0100007F:1F90 00000000:0000 0A" TAIL, PORT_TCP, 4, -71, { 0 }, "a row of ages" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct port p;
		int rc = procnet_row(&p, cases[i].line, cases[i].proto, cases[i].family);
		int same = rc <= 0 || memcmp(&p, &cases[i].port, sizeof(p)) == 0;

		if (rc != cases[i].rc || !same)
			printf("# %s: %d\n", cases[i].why, rc);
		CHECK(rc == cases[i].rc && same);
	}
}

/* The kernel's own word: a socket of ours is seen from listen(2) to close(2). */
static void a_listener_of_this_machine_is_not_seen(void)
{
	static struct agent_ports before, now, after;
	static struct agent_ports_change c;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), found = 0;

	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	procnet_scan(&before);
	CHECK(listen(fd, 1) == 0);
	procnet_scan(&now);
	CHECK(agent_ports_compare(&c, &before, &now) == 0);
	for (uint32_t i = 0; i < c.nadded; i++)
		found |= c.port[i].port == ntohs(a.sin_port) && c.port[i].proto == PORT_TCP &&
			 c.port[i].addr[0] == 127 && c.port[i].uid == getuid();
	CHECK(found);
	close(fd);
	procnet_scan(&after);
	for (uint32_t i = 0; i < after.count; i++)
		CHECK(after.port[i].port != ntohs(a.sin_port) || after.port[i].addr[0] != 127);
}

static void fill(struct agent_ports *p, uint64_t epoch, uint32_t from, uint32_t count)
{
	p->epoch = epoch;
	p->truncated = 0;
	p->count = count;
	for (uint32_t i = 0; i < count; i++)
		p->port[i] = (struct port){ PORT_TCP, 4, (uint16_t)(from + i), 0, { 0 } };
	agent_ports_sort(p);
}

static void a_change_leads_elsewhere(void)
{
	static struct agent_ports a, b, told;
	static struct agent_ports_change c, heard;
	static uint8_t mem[64 + PORTS_BYTES_MAX];
	long len;

	fill(&a, 7, 100, 50);
	fill(&b, 8, 120, 60);
	told = a;
	CHECK(agent_ports_compare(&c, &a, &b) == 0 && c.nadded == 30 && c.nremoved == 20);
	len = agent_ports_change_encode(&c, mem, sizeof(mem));
	CHECK(len > 0 && agent_ports_change_decode(&heard, mem, (size_t)len) == 0);
	CHECK(agent_ports_change_decode(&heard, mem, (size_t)len - 1) < 0);
	CHECK(agent_ports_change_decode(&heard, mem, (size_t)len) == 0);
	CHECK(agent_ports_apply(&told, &heard) == 0);
	CHECK(told.epoch == 8 && told.count == b.count &&
	      !memcmp(told.port, b.port, b.count * sizeof(b.port[0])));
	CHECK(agent_ports_apply(&told, &heard) == -116); /* twice is once too often */
	told.epoch = 6;
	CHECK(agent_ports_apply(&told, &heard) == -116); /* one was missed */
	told.epoch = 7;
	CHECK(agent_ports_apply(&told, &heard) == -116); /* it removes what is not there */
}

static void a_change_of_everything_fits(void)
{
	static struct agent_ports a, b;
	static struct agent_ports_change c;
	static uint8_t mem[PORTS_BYTES_MAX];

	fill(&a, 1, 1000, PORTS_MAX);
	fill(&b, 2, 9000, PORTS_MAX);
	CHECK(agent_ports_compare(&c, &a, &b) == -90);
	CHECK(agent_ports_encode(&b, mem, sizeof(mem)) > 0); /* but a snapshot always does */
	CHECK(agent_ports_decode(&a, mem, sizeof(mem)) < 0);
	CHECK(agent_ports_decode(&a, mem, sizeof(mem) - 4) == 0 && a.count == PORTS_MAX);
}

static void ports_out_of_order_are_taken(void)
{
	static struct agent_ports a;
	uint8_t mem[256];
	long len;

	fill(&a, 1, 1000, 3);
	a.port[1] = a.port[0];
	len = agent_ports_encode(&a, mem, sizeof(mem));
	CHECK(agent_ports_decode(&a, mem, (size_t)len) < 0);
}

static void a_line_of_meminfo_is_mistaken(void)
{
	static const char text[] =
		"MemTotal:        1000 kB\nMemFree:  1 kB\nMemAvailable:  500 kB\n";

	CHECK(info_meminfo(text, "MemTotal") == 1024000);
	CHECK(info_meminfo(text, "MemAvailable") == 512000);
	CHECK(info_meminfo(text, "Mem") == 0);
	CHECK(info_meminfo("", "MemTotal") == 0);
}

int main(void)
{
	TEST(a_line_is_read_otherwise);
	TEST(a_listener_of_this_machine_is_not_seen);
	TEST(a_change_leads_elsewhere);
	TEST(a_change_of_everything_fits);
	TEST(ports_out_of_order_are_taken);
	TEST(a_line_of_meminfo_is_mistaken);
	return check_done();
}
