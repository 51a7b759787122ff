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
#include "guest/iface.h"
#include "guest/netlink.h"

_Static_assert(DESC_IFNAME_MAX == IF_NAMESIZE - 1, "an interface's name fits");

/* --- one interface --- */

/* A gateway outside every network of its interface (a /32 at a provider's) is reached directly
 * all the same: without ONLINK the kernel would refuse it. */
static int is_onlink(const struct desc_nic *n, const struct desc_addr *gateway)
{
	for (uint32_t i = 0; i < n->naddrs; i++)
		if (iface_is_in(&n->addrs[i], gateway))
			return 0;
	return 1;
}

static int bring_up(int fd, int index, const char *name, const struct desc_nic *n, struct err *e)
{
	int rc = iface_up(fd, index);

	if (rc < 0)
		return err_set(e, rc, "bring up %s: %s", name, strerror(-rc));
	for (uint32_t i = 0; i < n->naddrs; i++) {
		rc = iface_add_addr(fd, index, &n->addrs[i], IFACE_FOREVER);
		if (rc < 0)
			return err_set(e, rc, "%s: address %u: %s", name, i + 1, strerror(-rc));
	}
	for (uint32_t i = 0; i < n->ngateways; i++) {
		const struct iface_route r = {
			.net = { .family = n->gateways[i].family },
			.gateway = n->gateways[i],
			.onlink = is_onlink(n, &n->gateways[i]),
			.protocol = RTPROT_STATIC,
		};

		rc = iface_add_route(fd, index, &r);
		if (rc < 0)
			return err_set(e, rc, "%s: gateway %u: %s", name, i + 1, strerror(-rc));
	}
	return 0;
}

/* --- which there are --- */

struct links {
	const struct ifup *u;
	int index[DESC_NICS_MAX]; /* 0: not there */
	char name[DESC_NICS_MAX][IF_NAMESIZE];
	uint8_t mac[DESC_NICS_MAX][6];
	uint32_t have_mac; /* a bit per interface: Ethernet, as far as we care */
	char all[128];	   /* the names of those there are, for people */
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
		if (nmac == sizeof(l->mac[i])) {
			memcpy(l->mac[i], mac, nmac);
			l->have_mac |= 1u << i;
		}
	}
}

static int list_links(int fd, struct links *l)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct nlmsg m;

	nl_begin(&m, RTM_GETLINK, 0, &body, sizeof(body));
	return nl_dump(fd, &m, take_link, l);
}

/* --- DHCP --- */

/* The first interface that asks and has no lease yet; or NULL. */
static const struct dhcp *without_lease(const struct ifup *u)
{
	for (uint32_t i = 0; i < u->nnics; i++)
		if (u->asks & 1u << i && !dhcp_is_bound(&u->dhcp[i]))
			return &u->dhcp[i];
	return NULL;
}

int ifup_lacks_lease(const struct ifup *u)
{
	return without_lease(u) != NULL;
}

static void no_lease(const struct ifup *u, struct err *e)
{
	const struct dhcp *d = without_lease(u);

	if (!d)
		return;
	if (d->trouble)
		err_set(e, d->trouble, "%s: DHCP: %s", d->name, strerror(-d->trouble));
	else
		err_set(e, -ETIMEDOUT, "%s: no DHCP server answered in %u s", d->name,
			u->lease_ms / 1000);
}

static void lease_changed(struct dhcp *d)
{
	struct ifup *u = d->owner;
	struct err e = ERR_NONE;

	if (u->leased)
		u->leased(u, d);
	if (!u->awaits_leases || without_lease(u))
		return;
	u->awaits_leases = 0;
	loop_cancel(u->loop, &u->deadline);
	u->over(u, &e);
}

static int begin_dhcp(struct ifup *u, const struct links *l, uint32_t i, struct err *e)
{
	struct dhcp *d = &u->dhcp[i];

	if (!(l->have_mac & 1u << i))
		return err_set(e, -EOPNOTSUPP, "%s: DHCP is for Ethernet only", l->name[i]);
	*d = (struct dhcp){ .loop = u->loop,
			    .index = l->index[i],
			    .hostname = u->hostname,
			    .changed = lease_changed,
			    .owner = u };
	memcpy(d->name, l->name[i], sizeof(d->name));
	memcpy(d->mac, l->mac[i], sizeof(d->mac));
	for (uint32_t g = 0; g < u->nics[i].ngateways; g++)
		d->has_gateway |= u->nics[i].gateways[g].family == 4;
	u->asks |= 1u << i;
	dhcp_begin(d);
	return 0;
}

static void lease_due(struct timer *t)
{
	struct ifup *u = CONTAINER(t, struct ifup, deadline);
	struct err e = ERR_NONE;

	u->awaits_leases = 0;
	no_lease(u, &e);
	u->over(u, &e);
}

/* 1 when there is something to wait for. */
static int await_leases(struct ifup *u)
{
	u->has_interfaces = 1;
	if (!without_lease(u))
		return 0;
	u->awaits_leases = 1;
	u->deadline.due = lease_due;
	loop_after(u->loop, &u->deadline, u->lease_ms);
	return 1;
}

/* --- all of them --- */

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
		if (rc == 0 && u->nics[i].dhcp)
			rc = begin_dhcp(u, l, i, e);
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
	int rc;

	(void)events;
	while (fd_read(w->fd, what, sizeof(what)) > 0)
		; /* what there is now is asked for; -ENOBUFS only says that much happened */
	rc = try_all(u, &l, &e);
	if (rc == 1)
		return;
	stop(u);
	if (rc < 0 || !await_leases(u))
		u->over(u, &e);
}

static void deadline_due(struct timer *t)
{
	struct ifup *u = CONTAINER(t, struct ifup, deadline);
	struct links l = { .u = u };
	struct err e = ERR_NONE;

	int rc = try_all(u, &l, &e);

	stop(u);
	if (rc == 1)
		no_interface(u, &l, &e);
	if (rc != 0 || !await_leases(u))
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
	u->is_up = u->asks = 0;
	u->awaits_leases = u->has_interfaces = 0;
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
	return rc == 0 ? await_leases(u) : rc;
}

void ifup_close(struct ifup *u)
{
	stop(u);
	for (uint32_t i = 0; i < u->nnics; i++)
		if (u->asks & 1u << i)
			dhcp_stop(&u->dhcp[i]);
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
