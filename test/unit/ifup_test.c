/* Interfaces, in a network namespace of the test's own. */
#include "guest/ifup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include "base/clock.h"
#include "base/fd.h"
#include "check.h"
#include "guest/netlink.h"

enum { FAR_MS = 10000 };

static struct loop loop;
static struct ifup ifup;
static struct err last;
static int overs;

static void over(struct ifup *u, struct err *e)
{
	(void)u;
	overs++;
	last = *e;
	loop_stop(&loop, 0);
}

static struct desc_addr ip(const char *text, uint8_t prefix)
{
	struct desc_addr a = { .family = strchr(text, ':') ? 6 : 4, .prefix = prefix };

	CHECK(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.bytes) == 1);
	return a;
}

/* A tap of that name; closing it removes it. */
static int tap_open(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(r.ifr_name, name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &r) < 0)
		fd_close(&fd);
	return fd;
}

static int cannot(const char **why)
{
	static int made;

	if (!made && unshare(CLONE_NEWNET) < 0) {
		*why = "this user may not make a network namespace";
		return 1;
	}
	made = 1;
	if (access("/dev/net/tun", W_OK) < 0) {
		*why = "there is no /dev/net/tun here";
		return 1;
	}
	return 0;
}

/* --- what the kernel has --- */

struct looking {
	int family, prefix, found;
	const char *text; /* an address, or a gateway */
	uint16_t type, body, attribute;
};

static void look(const struct nlmsghdr *h, void *arg)
{
	struct looking *l = arg;
	const struct ifaddrmsg *a = NLMSG_DATA(h); /* a route begins the same: family, length */
	char text[INET6_ADDRSTRLEN];
	size_t n;
	const void *bytes = nl_find(h, l->body, l->attribute, &n);

	if (h->nlmsg_type != l->type || a->ifa_family != l->family ||
	    a->ifa_prefixlen != l->prefix || !bytes)
		return;
	l->found += !strcmp(inet_ntop(l->family, bytes, text, sizeof(text)), l->text);
}

static int dump(struct looking *l, uint16_t type)
{
	const struct rtgenmsg body = { .rtgen_family = (uint8_t)l->family };
	int fd = nl_open(NETLINK_ROUTE, 0);
	struct nlmsg m;

	nl_begin(&m, type, 0, &body, sizeof(body));
	CHECK(nl_dump(fd, &m, look, l) == 0);
	fd_close(&fd);
	return l->found;
}

static int has_addr(const char *text, int prefix)
{
	struct looking l = { strchr(text, ':') ? AF_INET6 : AF_INET,
			     prefix,
			     0,
			     text,
			     RTM_NEWADDR,
			     sizeof(struct ifaddrmsg),
			     IFA_ADDRESS };

	return dump(&l, RTM_GETADDR);
}

static int has_default_route(const char *text)
{
	struct looking l = { strchr(text, ':') ? AF_INET6 : AF_INET,
			     0,
			     0,
			     text,
			     RTM_NEWROUTE,
			     sizeof(struct rtmsg),
			     RTA_GATEWAY };

	return dump(&l, RTM_GETROUTE);
}

static int begin(const struct desc_nic *nics, uint32_t n, unsigned wait_ms)
{
	loop = LOOP_INIT;
	overs = 0;
	last = ERR_NONE;
	ifup.over = over;
	CHECK(loop_open(&loop) == 0);
	return ifup_begin(&ifup, &loop, nics, n, wait_ms, &last);
}

static void an_interface_stays_without_addresses(void)
{
	const char *why;
	struct desc_nic n = { .name = "eth0", .naddrs = 2, .ngateways = 2 };
	int tap;

	if (cannot(&why))
		SKIP(why);
	tap = tap_open("eth0");
	n.addrs[0] = ip("10.9.0.2", 20);
	n.addrs[1] = ip("fd09::2", 64);
	n.gateways[0] = ip("10.9.15.254", 32);
	n.gateways[1] = ip("fd09::1", 128);
	CHECK(begin(&n, 1, FAR_MS) == 0);
	if (last.code)
		printf("# %s\n", last.text);
	CHECK(has_addr("10.9.0.2", 20) == 1 && has_addr("fd09::2", 64) == 1);
	CHECK(has_default_route("10.9.15.254") == 1 && has_default_route("fd09::1") == 1);
	loop_close(&loop);
	CHECK(begin(&n, 1, FAR_MS) == 0); /* what is there already is no failure */
	CHECK(has_addr("10.9.0.2", 20) == 1 && has_default_route("10.9.15.254") == 1);
	loop_close(&loop);
	fd_close(&tap);
}

static void a_gateway_outside_the_network_is_refused(void)
{
	const char *why;
	struct desc_nic n = { .name = "eth0", .naddrs = 1, .ngateways = 1 };
	int tap;

	if (cannot(&why))
		SKIP(why);
	tap = tap_open("eth0");
	n.addrs[0] = ip("192.0.2.7", 32);
	n.gateways[0] = ip("198.51.100.1", 32);
	CHECK(begin(&n, 1, FAR_MS) == 0 && has_default_route("198.51.100.1") == 1);
	loop_close(&loop);
	fd_close(&tap);
}

/* The interface comes while the loop waits, and is found by its address alone. */
static void an_interface_that_comes_late_is_missed(void)
{
	const char *why;
	struct desc_nic n = { .name = "", .mac = { 2, 0, 0, 0, 9, 1 }, .naddrs = 1 };
	struct ifreq r = { .ifr_name = "eth7" };
	int tap, fd;

	if (cannot(&why))
		SKIP(why);
	n.addrs[0] = ip("10.9.1.2", 24);
	CHECK(begin(&n, 1, FAR_MS) == 1 && overs == 0);
	tap = tap_open("eth7");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
	memcpy(r.ifr_hwaddr.sa_data, n.mac, sizeof(n.mac));
	CHECK(tap >= 0 && ioctl(fd, SIOCSIFHWADDR, &r) == 0);
	loop_run(&loop);
	CHECK(overs == 1 && last.code == 0 && has_addr("10.9.1.2", 24) == 1);
	loop_close(&loop);
	fd_close(&fd);
	fd_close(&tap);
}

/* One of two is there: it is brought up, and the other named, with what there is instead. */
static void a_missing_interface_takes_others_with_it(void)
{
	const char *why;
	struct desc_nic n[2] = { { .name = "eth0", .naddrs = 1 }, { .name = "eth1" } };
	int64_t began;
	int tap;

	if (cannot(&why))
		SKIP(why);
	n[0].addrs[0] = ip("10.9.2.2", 24);
	tap = tap_open("eth0");
	began = clock_ms();
	CHECK(begin(n, 2, 50) == 1);
	loop_run(&loop);
	CHECK(overs == 1 && last.code == -ENODEV && clock_ms() - began >= 50);
	CHECK(!strncmp(last.text, "no interface eth1 after 50 ms: there is ", 40) &&
	      strstr(last.text, "lo") && strstr(last.text, "eth0"));
	CHECK(has_addr("10.9.2.2", 24) == 1);
	loop_close(&loop);
	fd_close(&tap);
}

static void what_the_kernel_refuses_is_swallowed(void)
{
	const char *why;
	struct desc_nic n = { .name = "eth0", .naddrs = 1 };
	int tap;

	if (cannot(&why))
		SKIP(why);
	tap = tap_open("eth0");
	n.addrs[0] = ip("ff02::1", 64); /* a group's */
	CHECK(begin(&n, 1, FAR_MS) < 0 && !strncmp(last.text, "eth0: address 1: ", 17));
	if (last.code != -EADDRNOTAVAIL && last.code != -EINVAL)
		printf("# %s\n", last.text);
	loop_close(&loop);
	fd_close(&tap);
}

int main(void)
{
	TEST(an_interface_stays_without_addresses);
	TEST(a_gateway_outside_the_network_is_refused);
	TEST(an_interface_that_comes_late_is_missed);
	TEST(a_missing_interface_takes_others_with_it);
	TEST(what_the_kernel_refuses_is_swallowed);
	return check_done();
}
