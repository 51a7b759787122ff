/*
 * iface - an interface's addresses and routes, by netlink.
 */
#include "guest/iface.h"

#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "guest/netlink.h"

static int family_of(const struct desc_addr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

static size_t bytes_of(const struct desc_addr *a)
{
	return a->family == 6 ? 16 : 4;
}

int iface_up(int fd, int index)
{
	const struct ifinfomsg body = { .ifi_index = index,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	struct nlmsg m;

	nl_begin(&m, RTM_NEWLINK, 0, &body, sizeof(body));
	return nl_ask(fd, &m);
}

/* NODAD: the host gave us the address, so nobody else has it, and it can be used at once. */
static void addr_begin(struct nlmsg *m, uint16_t type, uint16_t flags, int index,
		       const struct desc_addr *a)
{
	const struct ifaddrmsg body = {
		.ifa_family = (uint8_t)family_of(a),
		.ifa_prefixlen = a->prefix,
		.ifa_flags = a->family == 6 ? IFA_F_NODAD : 0,
		.ifa_index = (uint32_t)index,
	};

	nl_begin(m, type, flags, &body, sizeof(body));
	nl_attr(m, IFA_LOCAL, a->bytes, bytes_of(a));
	nl_attr(m, IFA_ADDRESS, a->bytes, bytes_of(a));
}

int iface_add_addr(int fd, int index, const struct desc_addr *a, uint32_t lifetime_s)
{
	const struct ifa_cacheinfo life = { .ifa_prefered = lifetime_s, .ifa_valid = lifetime_s };
	struct nlmsg m;

	addr_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, a);
	if (a->family == 4 && a->prefix < 31) {
		uint8_t all[4];

		for (unsigned i = 0; i < 4; i++)
			all[i] = a->bytes[i] | (uint8_t)(0xffffffffu >> a->prefix >> (24 - 8 * i));
		nl_attr(&m, IFA_BROADCAST, all, sizeof(all));
	}
	nl_attr(&m, IFA_CACHEINFO, &life, sizeof(life));
	return nl_ask(fd, &m);
}

int iface_del_addr(int fd, int index, const struct desc_addr *a)
{
	struct nlmsg m;

	addr_begin(&m, RTM_DELADDR, 0, index, a);
	return nl_ask(fd, &m);
}

static int ask_route(int fd, uint16_t type, uint16_t flags, int index, const struct iface_route *r)
{
	const struct rtmsg body = {
		.rtm_family = (uint8_t)family_of(&r->net),
		.rtm_dst_len = r->net.prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = r->protocol,
		.rtm_scope = r->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = r->onlink ? RTNH_F_ONLINK : 0,
	};
	struct nlmsg m;

	nl_begin(&m, type, flags, &body, sizeof(body));
	if (r->net.prefix)
		nl_attr(&m, RTA_DST, r->net.bytes, bytes_of(&r->net));
	if (r->gateway.family)
		nl_attr(&m, RTA_GATEWAY, r->gateway.bytes, bytes_of(&r->gateway));
	nl_attr(&m, RTA_OIF, &index, sizeof(index));
	return nl_ask(fd, &m);
}

int iface_add_route(int fd, int index, const struct iface_route *r)
{
	return ask_route(fd, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, index, r);
}

int iface_del_route(int fd, int index, const struct iface_route *r)
{
	return ask_route(fd, RTM_DELROUTE, 0, index, r);
}

int iface_is_in(const struct desc_addr *net, const struct desc_addr *a)
{
	unsigned whole = net->prefix / 8, rest = net->prefix % 8;

	if (net->family != a->family || memcmp(net->bytes, a->bytes, whole) != 0)
		return 0;
	return rest == 0 || (net->bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}
