/*
 * ifup - gives the guest's network interfaces their addresses and routes.
 */
#include "guest/ifup.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/netlink.h"

_Static_assert(DESC_IFNAME_MAX == IF_NAMESIZE - 1, "an interface's name fits");

static int family_of(const struct desc_addr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

static size_t bytes_of(const struct desc_addr *a)
{
	return a->family == 6 ? 16 : 4;
}

/* --- one interface --- */

static int set_up(int fd, int index)
{
	const struct ifinfomsg body = { .ifi_index = index,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	struct nlmsg m;

	nl_begin(&m, RTM_NEWLINK, 0, &body, sizeof(body));
	return nl_ask(fd, &m);
}

/* NODAD: the host gave us the address, so nobody else has it, and it can be used at once. */
static int add_addr(int fd, int index, const struct desc_addr *a)
{
	const struct ifaddrmsg body = {
		.ifa_family = (uint8_t)family_of(a),
		.ifa_prefixlen = a->prefix,
		.ifa_flags = a->family == 6 ? IFA_F_NODAD : 0,
		.ifa_index = (uint32_t)index,
	};
	struct nlmsg m;

	nl_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	nl_attr(&m, IFA_LOCAL, a->bytes, bytes_of(a));
	nl_attr(&m, IFA_ADDRESS, a->bytes, bytes_of(a));
	if (a->family == 4 && a->prefix < 31) {
		uint8_t all[4];

		for (unsigned i = 0; i < 4; i++)
			all[i] = a->bytes[i] | (uint8_t)(0xffffffffu >> a->prefix >> (24 - 8 * i));
		nl_attr(&m, IFA_BROADCAST, all, sizeof(all));
	}
	return nl_ask(fd, &m);
}

static int is_in_network(const struct desc_addr *net, const struct desc_addr *a)
{
	unsigned whole = net->prefix / 8, rest = net->prefix % 8;

	if (net->family != a->family || memcmp(net->bytes, a->bytes, whole) != 0)
		return 0;
	return rest == 0 || (net->bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

/* A gateway outside every network of its interface (a /32 at a provider's) is reached directly
 * all the same: without ONLINK the kernel would refuse it. */
static uint32_t onlink_for(const struct desc_nic *n, const struct desc_addr *gateway)
{
	for (uint32_t i = 0; i < n->naddrs; i++)
		if (is_in_network(&n->addrs[i], gateway))
			return 0;
	return RTNH_F_ONLINK;
}

static int add_default_route(int fd, int index, const struct desc_nic *n,
			     const struct desc_addr *gateway)
{
	const struct rtmsg body = {
		.rtm_family = (uint8_t)family_of(gateway),
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = onlink_for(n, gateway),
	};
	struct nlmsg m;

	nl_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	nl_attr(&m, RTA_GATEWAY, gateway->bytes, bytes_of(gateway));
	nl_attr(&m, RTA_OIF, &index, sizeof(index));
	return nl_ask(fd, &m);
}

static int bring_up(int fd, int index, const char *name, const struct desc_nic *n, struct err *e)
{
	int rc = set_up(fd, index);

	if (rc < 0)
		return err_set(e, rc, "bring up %s: %s", name, strerror(-rc));
	for (uint32_t i = 0; i < n->naddrs; i++) {
		rc = add_addr(fd, index, &n->addrs[i]);
		if (rc < 0)
			return err_set(e, rc, "%s: address %u: %s", name, i + 1, strerror(-rc));
	}
	for (uint32_t i = 0; i < n->ngateways; i++) {
		rc = add_default_route(fd, index, n, &n->gateways[i]);
		if (rc < 0)
			return err_set(e, rc, "%s: gateway %u: %s", name, i + 1, strerror(-rc));
	}
	return 0;
}

/* --- all of them --- */

struct links {
	const struct ifup *u;
	int index[DESC_NICS_MAX]; /* 0: not there */
	char name[DESC_NICS_MAX][IF_NAMESIZE];
	char all[128]; /* the names of those there are, for people */
};

static void take_link(const struct nlmsghdr *h, void *arg)
{
	struct links *l = arg;
	const struct ifinfomsg *body = NLMSG_DATA(h);
	size_t nname = 0, nmac = 0, used = strlen(l->all);
	const char *name = nl_find(h, sizeof(*body), IFLA_IFNAME, &nname);
	const void *mac = nl_find(h, sizeof(*body), IFLA_ADDRESS, &nmac);

	if (h->nlmsg_type != RTM_NEWLINK || !name || !nname || nname > IF_NAMESIZE)
		return;
	snprintf(l->all + used, sizeof(l->all) - used, "%s%s", used ? ", " : "", name);
	for (uint32_t i = 0; i < l->u->nnics; i++) {
		const struct desc_nic *n = &l->u->nics[i];

		if (n->name[0] ? strcmp(n->name, name) != 0
			       : nmac != sizeof(n->mac) || memcmp(mac, n->mac, nmac) != 0)
			continue;
		l->index[i] = body->ifi_index;
		memcpy(l->name[i], name, nname);
	}
}

static int list_links(int fd, struct links *l)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct nlmsg m;

	nl_begin(&m, RTM_GETLINK, 0, &body, sizeof(body));
	return nl_dump(fd, &m, take_link, l);
}

/* Brings up those that have come. 1 while some have not. */
static int try_all(struct ifup *u, struct links *l, struct err *e)
{
	int fd = nl_open(NETLINK_ROUTE, 0), rc = fd;

	if (rc >= 0)
		rc = list_links(fd, l);
	if (rc < 0)
		err_set(e, rc, "ask for the interfaces: %s", strerror(-rc));
	for (uint32_t i = 0; rc == 0 && i < u->nnics; i++) {
		if (u->is_up & 1u << i || !l->index[i])
			continue;
		rc = bring_up(fd, l->index[i], l->name[i], &u->nics[i], e);
		u->is_up |= 1u << i;
	}
	fd_close(&fd);
	return rc < 0 ? rc : u->is_up != (1u << u->nnics) - 1;
}

static void stop(struct ifup *u)
{
	loop_cancel(u->loop, &u->deadline);
	loop_del(u->loop, &u->news);
	fd_close(&u->news.fd);
}

static int no_interface(const struct ifup *u, const struct links *l, struct err *e)
{
	const struct desc_nic *n = u->nics;

	for (uint32_t i = 0; u->is_up & 1u << i; i++)
		n++;
	if (n->name[0])
		return err_set(e, -ENODEV, "no interface %s after %u ms: there is %s", n->name,
			       u->wait_ms, l->all);
	return err_set(
		e, -ENODEV,
		"no interface with address %02x:%02x:%02x:%02x:%02x:%02x after %u ms: there is %s",
		n->mac[0], n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5], u->wait_ms,
		l->all);
}

static void news_ready(struct watch *w, uint32_t events)
{
	struct ifup *u = CONTAINER(w, struct ifup, news);
	struct links l = { .u = u };
	struct err e = ERR_NONE;
	char what[4096];

	(void)events;
	while (fd_read(w->fd, what, sizeof(what)) > 0)
		; /* what there is now is asked for; -ENOBUFS only says that much happened */
	if (try_all(u, &l, &e) == 1)
		return;
	stop(u);
	u->over(u, &e);
}

static void deadline_due(struct timer *t)
{
	struct ifup *u = CONTAINER(t, struct ifup, deadline);
	struct links l = { .u = u };
	struct err e = ERR_NONE;

	stop(u);
	if (try_all(u, &l, &e) == 1)
		no_interface(u, &l, &e);
	u->over(u, &e);
}

int ifup_begin(struct ifup *u, struct loop *l, const struct desc_nic *nics, uint32_t nnics,
	       unsigned wait_ms, struct err *e)
{
	struct links links = { .u = u };
	int rc;

	u->loop = l;
	u->deadline = (struct timer){ .due = deadline_due };
	u->wait_ms = wait_ms;
	u->nics = nics;
	u->nnics = nnics;
	u->is_up = 0;
	/* First the ear, then the look: what comes between them is heard. */
	u->news = (struct watch){ nl_open(NETLINK_ROUTE, RTMGRP_LINK), news_ready };
	if (u->news.fd < 0)
		return err_set(e, u->news.fd, "no netlink in this kernel: %s",
			       strerror(-u->news.fd));
	rc = loop_add(l, &u->news, EPOLLIN);
	if (rc < 0)
		err_set(e, rc, "watch the interfaces: %s", strerror(-rc));
	else
		rc = try_all(u, &links, e);
	if (rc == 1)
		loop_after(l, &u->deadline, wait_ms);
	else
		stop(u);
	return rc;
}

int ifup_loopback(struct err *e)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return err_sys(e, "no IPv4 in this kernel");
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		rc = err_sys(e, "bring up lo");
	fd_close(&fd);
	return rc;
}
