/* The host end of the socket device with real unix sockets, between them and a driver that is an array. */
#include "check.h"

#define INVARIANT(expr) CHECK(expr)
#include "vsock_world.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "vmm/vsockd.h"

enum { GP = 1000, HP = 5000 };

static struct vsockd d;
static struct loop loop;
static char folder[64], path[80], messages_path[96], port_path[96];

static int is_waiting(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* All that is to be done is done. */
static void settle(void)
{
	for (unsigned q = 0; q < 3; q++)
		w.again[q] = 0;
	while (is_waiting(loop.epfd)) {
		loop_wait(&loop);
		loop_dispatch(&loop);
	}
	turn();
}

static void begin(void)
{
	struct err e = ERR_NONE;

	loop = LOOP_INIT;
	CHECK(loop_open(&loop) == 0);
	unlink(path);
	unlink(messages_path);
	unlink(port_path);
	world_begin(0, SLOTS);
	vsockd_init(&d, &w.v, &loop, unix_listen(path, 8, &e),
		    unix_listen_messages(messages_path, 8, &e), path);
	w.v.host = &d.host;
	w.type = MESSAGES;
	CHECK(vsockd_start(&d) == 0);
}

static void end(void)
{
	vdev_set_status(&w.v.dev, 0);
	vdev_run(&w.v.dev);
	listener_close(&d.streams.listener);
	listener_close(&d.messages.listener);
	loop_close(&loop);
}

static int takes(uint16_t op, struct packet *p)
{
	settle();
	if (take(p) && p->op == op && p->type == w.type)
		return 1;
	printf("# got op %u of type %u instead of %u\n", p->op, p->type, op);
	return 0;
}

static int says(int fd, const char *what)
{
	char got[64] = "";
	ssize_t n;

	settle();
	n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	if (n >= 0 && !strcmp(got, what))
		return 1;
	printf("# heard %zd bytes: '%s'\n", n, got);
	return 0;
}

/* A client's connection to the guest's port GP; its end. */
static int client(uint32_t *host_port)
{
	int fd = unix_connect_messages(messages_path, 0);
	struct packet p = { 0 };
	char ok[32];

	CHECK(send(fd, "CONNECT 1000\n", 13, 0) == 13);
	CHECK(takes(REQUEST, &p) && p.dst_port == GP);
	*host_port = p.src_port;
	send_op(RESPONSE, GP, p.src_port);
	snprintf(ok, sizeof(ok), "OK %u\n", p.src_port);
	CHECK(says(fd, ok));
	return fd;
}

/* The guest's connection to the host's port HP; the host's end. */
static int served(void)
{
	struct err e = ERR_NONE;
	struct packet p = { 0 };
	int listener, fd;

	listener = unix_listen_messages(port_path, 8, &e);
	send_op(REQUEST, GP, HP);
	CHECK(takes(RESPONSE, &p) && p.buf_alloc == d.host.message_max);
	fd = accept(listener, NULL, NULL);
	fd_close(&listener);
	return fd;
}

static void guest_says(uint32_t to, const void *data, uint32_t len)
{
	struct packet p = packet_of(RW, GP, to);

	p.len = len;
	p.flags = EOM;
	send_pieces(&p, data, len, UINT32_MAX);
}

static void guest_hears(const char *what)
{
	struct packet p = { 0 };

	CHECK(takes(RW, &p) && p.flags == EOM && p.len == strlen(what) &&
	      !memcmp(w.data, what, p.len));
}

static void a_client_gets_no_connection_of_messages(void)
{
	uint32_t port = 0;
	int fd;

	begin();
	fd = client(&port);
	CHECK(send(fd, "one", 3, 0) == 3 && send(fd, "two!", 4, 0) == 4);
	guest_hears("one");
	guest_hears("two!");
	guest_says(port, "first", 5);
	guest_says(port, "2nd", 3);
	CHECK(says(fd, "first") && says(fd, "2nd"));
	fd_close(&fd);
	end();
}

static void a_line_that_is_none_gets_in(void)
{
	static const char *const lines[] = { "CONNECT 1000",	 "CONNECT 1000\nmore", "CONNECT\n",
					     "CONNECT 10\n10\n", "\n",		       "" };

	begin();
	for (size_t i = 0; i < COUNT(lines); i++) {
		int fd = unix_connect_messages(messages_path, 0);
		struct packet p;
		char byte;

		CHECK(send(fd, lines[i], strlen(lines[i]), 0) == (ssize_t)strlen(lines[i]));
		settle();
		CHECK(!take(&p));
		errno = 0;
		CHECK(recv(fd, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
		fd_close(&fd);
	}
	end();
}

static void a_listener_of_the_other_type_is_spoken_to(void)
{
	struct err e = ERR_NONE;
	struct packet p = { 0 };
	int listener;

	begin();
	listener = unix_listen(port_path, 8, &e);
	send_op(REQUEST, GP, HP);
	CHECK(takes(RST, &p) && !is_waiting(listener));
	fd_close(&listener);
	unlink(port_path);
	listener = unix_listen_messages(port_path, 8, &e);
	w.type = STREAM;
	send_op(REQUEST, GP, HP);
	CHECK(takes(RST, &p) && !is_waiting(listener));
	fd_close(&listener);
	end();
}

/* The longest there may be, and a host that reads late. */
static void a_message_is_lost_by_a_slow_host(void)
{
	enum { COUNT_OF = 300 };
	static uint8_t got[VSOCK_BUF];
	uint32_t longest;
	struct packet p;
	int fd;

	begin();
	fd = served();
	longest = (uint32_t)d.host.message_max;
	memset(w.data, 'x', TX_PACKET);
	for (uint32_t left = longest, n; left > 0; left -= n) {
		n = MIN(left, (uint32_t)TX_PACKET);
		p = packet_of(RW, GP, HP);
		p.len = n;
		p.flags = n == left ? EOM : 0;
		send_pieces(&p, w.data, n, UINT32_MAX);
	}
	settle();
	CHECK(recv(fd, got, sizeof(got), MSG_DONTWAIT) == (ssize_t)longest);
	for (uint32_t i = 0; i < COUNT_OF; i++) /* more than the socket holds */
		guest_says(HP, got, 1 + 2 * i);
	for (uint32_t i = 0; i < COUNT_OF; i++) {
		CHECK(recv(fd, got, sizeof(got), MSG_DONTWAIT) == (ssize_t)(1 + 2 * i));
		settle();
	}
	CHECK(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN);
	fd_close(&fd);
	end();
}

static void a_message_without_bytes_ends_the_hosts_half(void)
{
	struct packet p = { 0 };
	int fd;

	begin();
	fd = served();
	CHECK(send(fd, "", 0, 0) == 0 && send(fd, "a", 1, 0) == 1 && send(fd, "", 0, 0) == 0);
	guest_hears("a");
	settle();
	CHECK(!take(&p));
	CHECK(send(fd, "b", 1, 0) == 1);
	guest_hears("b");

	/* Between others, with the end behind them. */
	CHECK(send(fd, "", 0, 0) == 0 && send(fd, "c", 1, 0) == 1 && send(fd, "", 0, 0) == 0 &&
	      send(fd, "", 0, 0) == 0 && send(fd, "d", 1, 0) == 1 && send(fd, "", 0, 0) == 0);
	shutdown(fd, SHUT_WR);
	guest_hears("c");
	guest_hears("d");
	CHECK(takes(SHUTDOWN, &p) && p.flags == NO_SEND);
	guest_says(HP, "still", 5);
	CHECK(says(fd, "still"));
	fd_close(&fd);
	end();
}

static void a_client_that_leaves_messages_unread_loses_its_own(void)
{
	struct packet p = { 0 };
	int fd;

	begin();
	fd = served();
	guest_says(HP, "unread", 6);
	settle();
	CHECK(send(fd, "e", 1, 0) == 1 && send(fd, "", 0, 0) == 0 && send(fd, "f", 1, 0) == 1);
	fd_close(&fd);
	guest_hears("e");
	guest_hears("f");
	CHECK(takes(SHUTDOWN, &p) && p.flags == (NO_SEND | NO_RCV));
	end();
}

static void a_message_too_long_for_the_guest_is_cut(void)
{
	static char huge[120000];
	struct packet p = { 0 };
	uint32_t port = 0;
	char byte;
	int fd;

	begin();
	fd = client(&port);
	send_credit(GP, port, 100000, 0);
	CHECK(send(fd, huge, sizeof(huge), 0) == sizeof(huge));
	CHECK(takes(RST, &p) && p.src_port == port);
	CHECK(recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
	fd_close(&fd);
	end();
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.40s/vsockd.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/v", folder);
	snprintf(messages_path, sizeof(messages_path), "%s_seqpacket", path);
	snprintf(port_path, sizeof(port_path), "%s_%u", path, HP);
	TEST(a_client_gets_no_connection_of_messages);
	TEST(a_line_that_is_none_gets_in);
	TEST(a_listener_of_the_other_type_is_spoken_to);
	TEST(a_message_is_lost_by_a_slow_host);
	TEST(a_message_without_bytes_ends_the_hosts_half);
	TEST(a_client_that_leaves_messages_unread_loses_its_own);
	TEST(a_message_too_long_for_the_guest_is_cut);
	unlink(path);
	unlink(messages_path);
	unlink(port_path);
	rmdir(folder);
	return check_done();
}
