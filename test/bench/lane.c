/*
 * lane - what the benches of network cards and of the socket device measure with, on both sides.
 *
 *	lane WHERE give COUNT    KiB a second, COUNT of them to the guest, until it has them all
 *	lane WHERE take COUNT    KiB a second, COUNT of them from the guest
 *	lane WHERE trips COUNT   microseconds that a byte takes there and back, of COUNT of them
 *	lane WHERE hold COUNT    as many connections at once, beside one that asked for much and takes nothing:
 *	                         how many had each of two bytes back
 *
 * WHERE is tcp:ADDRESS, vsock:CID or unix:PATH (a vmtool's vsock.sock); it is tried for as long as the guest
 * takes to come up. As PID 1 it is the guest: it gives its eth0 the address that ADDR of its environment (the
 * kernel's command line) says, and serves whoever connects by TCP or by vsock. One program and one kernel under
 * every VMM, so that the numbers mean the same.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/dial.h"

enum {
	PORT = 5000,
	BACKLOG = 2048,
	BLOCK = 256 * 1024,
	COME_UP_MS = 60000,
	GIVE = 'g',
	TAKE = 't',
	TRIPS = 'r'
};

struct order {
	uint64_t count; /* bytes, or trips */
	uint8_t what;
} __attribute__((packed));

static char block[BLOCK];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void send_all(int fd, const void *data, size_t len)
{
	if (fd_write_all(fd, data, len) < 0)
		fail("write");
}

static void recv_all(int fd, void *data, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)data + got, len - got);

		if (n <= 0)
			fail("read");
		got += (size_t)n;
	}
}

static void pour(int fd, uint64_t bytes)
{
	for (uint64_t part; bytes > 0; bytes -= part) {
		part = MIN(bytes, (uint64_t)BLOCK);
		send_all(fd, block, part);
	}
}

static void drain(int fd, uint64_t bytes)
{
	while (bytes > 0) {
		ssize_t n = read(fd, block, (size_t)MIN(bytes, (uint64_t)BLOCK));

		if (n <= 0)
			fail("read");
		bytes -= (uint64_t)n;
	}
}

static void no_delay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* no matter to a vsock */
}

/* --- the guest ------------------------------------------------------------------------------ */

static void serve(int fd)
{
	struct order o;
	char byte = 0;

	recv_all(fd, &o, sizeof(o));
	if (o.what == GIVE) {
		drain(fd, o.count);
		send_all(fd, &byte, 1);
	} else if (o.what == TAKE) {
		pour(fd, o.count);
	} else {
		for (; o.count > 0; o.count--) {
			recv_all(fd, &byte, 1);
			send_all(fd, &byte, 1);
		}
	}
	(void)read(fd, &byte, 1); /* whoever asked hangs up first */
}

static int listen_tcp(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || listen(fd, BACKLOG) < 0)
		fail("listen");
	return fd;
}

/* -1 where the machine has no such device. */
static int listen_vsock(void)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK,
				  .svm_cid = VMADDR_CID_ANY,
				  .svm_port = PORT };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	return bind(fd, (struct sockaddr *)&vm, sizeof(vm)) < 0 || listen(fd, BACKLOG) < 0 ? -1
											   : fd;
}

static void bring_up(const char *name, const char *address)
{
	struct ifreq r = { .ifr_flags = 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&r.ifr_addr;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(address);
	if (ioctl(fd, SIOCSIFADDR, &r) < 0)
		perror(name);
	in->sin_addr.s_addr = htonl(0xffffff00);
	(void)ioctl(fd, SIOCSIFNETMASK, &r);
	r.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		perror(name);
	close(fd);
}

static int guest(void)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	const char *address = getenv("ADDR");

	if (address)
		bring_up("eth0", address);
	p[0].fd = listen_tcp();
	p[1].fd = listen_vsock();
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			int fd = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;

			if (fd < 0)
				continue;
			no_delay(fd);
			if (fork() == 0) {
				serve(fd);
				exit(0);
			}
			close(fd);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* --- the host ------------------------------------------------------------------------------- */

static int connect_once(const char *where)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_port = PORT };
	const char *place = strchr(where, ':') + 1;
	int is_vm = !strncmp(where, "vsock:", 6), fd;
	struct err e = ERR_NONE;

	if (!strncmp(where, "unix:", 5)) {
		fd = dial_vsock(place, PORT, clock_ms() + 1000, &e);
		return fd < 0 || fcntl(fd, F_SETFL, 0) < 0 ? -1 : fd;
	}
	in.sin_addr.s_addr = inet_addr(place);
	vm.svm_cid = (unsigned)atoi(place);
	fd = socket(is_vm ? AF_VSOCK : AF_INET, SOCK_STREAM, 0);
	if (connect(fd, is_vm ? (struct sockaddr *)&vm : (struct sockaddr *)&in,
		    is_vm ? sizeof(vm) : sizeof(in)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* passt takes a connection before the guest does, and ends it when that refuses: so it is one when a trip is
 * made. */
static int is_there(int fd)
{
	struct order o = { 1, TRIPS };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte = 0;

	return write(fd, &o, sizeof(o)) == sizeof(o) && write(fd, &byte, 1) == 1 &&
	       poll(&p, 1, 5000) == 1 && read(fd, &byte, 1) == 1;
}

static int connect_to(const char *where)
{
	int64_t end = clock_ms() + COME_UP_MS;

	while (clock_ms() < end) {
		int fd = connect_once(where);
		int there = fd >= 0 && is_there(fd);

		if (fd >= 0)
			close(fd);
		if (there)
			return connect_once(where);
		usleep(20000);
	}
	fprintf(stderr, "lane: %s: nobody is there\n", where);
	exit(1);
}

static int answers(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return fd >= 0 && poll(&p, 1, 20000) == 1 && read(fd, &byte, 1) == 1;
}

static int hold(const char *where, int count)
{
	struct rlimit r = { (rlim_t)count + 64, (rlim_t)count + 64 };
	struct order much = { 1 << 30, TAKE }, two = { 2, TRIPS };
	int *fd = calloc((size_t)count, sizeof(*fd)), slow, well = 0;
	char *trips = calloc((size_t)count, 1), byte = 0;

	(void)setrlimit(RLIMIT_NOFILE, &r);
	slow = connect_to(where);
	send_all(slow, &much, sizeof(much));
	for (int i = 0; i < count; i++) {
		fd[i] = connect_once(where);
		if (fd[i] >= 0)
			send_all(fd[i], &two, sizeof(two));
	}
	for (int trip = 0; trip < 2; trip++) {
		for (int i = 0; i < count; i++)
			if (fd[i] >= 0)
				send_all(fd[i], &byte, 1);
		for (int i = count - 1; i >= 0; i--)
			trips[i] = (char)(trips[i] + answers(fd[i]));
	}
	for (int i = 0; i < count; i++)
		well += trips[i] == 2;
	printf("%d\n", well);
	return 0;
}

int main(int argc, char **argv)
{
	struct order o;
	int64_t began, took;
	char byte = 0;
	int fd;

	if (getpid() == 1)
		return guest();
	if (argc != 4)
		return 2;
	if (!strcmp(argv[2], "hold"))
		return hold(argv[1], atoi(argv[3]));
	o.what = !strcmp(argv[2], "give") ? GIVE : !strcmp(argv[2], "take") ? TAKE : TRIPS;
	o.count = (uint64_t)atoll(argv[3]) * (o.what == TRIPS ? 1 : 1024);
	fd = connect_to(argv[1]);
	no_delay(fd);
	began = clock_us();
	send_all(fd, &o, sizeof(o));
	if (o.what == GIVE) {
		pour(fd, o.count);
		recv_all(fd, &byte, 1);
	} else if (o.what == TAKE) {
		drain(fd, o.count);
	} else {
		for (uint64_t i = 0; i < o.count; i++) {
			send_all(fd, &byte, 1);
			recv_all(fd, &byte, 1);
		}
	}
	took = MAX(clock_us() - began, (int64_t)1);
	if (o.what == TRIPS)
		printf("%.2f\n", (double)took / (double)o.count);
	else
		printf("%.0f\n", (double)o.count / 1024 * 1e6 / (double)took);
	return 0;
}
