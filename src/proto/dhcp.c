/*
 * dhcp - DHCPv4 messages: what a client says, and what it is answered.
 */
#include "proto/dhcp.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

enum {
	COOKIE = 0x63825363,
	BOOTREQUEST = 1,
	BOOTREPLY = 2,
	ETHERNET = 1,
	SNAME_AT = 44, /* RFC 2131, figure 1 */
	SNAME_LEN = 64,
	FILE_AT = 108,
	FILE_LEN = 128,
	OPTIONS_AT = 240, /* behind the cookie */
	BOOTP_MIN = 300,  /* RFC 1542, 2.1: relays drop what is shorter */
	HOST_LABEL_MAX = 63,
	IP_LEN = 20,
	UDP_LEN = 8,
};

enum option {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_HOSTNAME = 12,
	OPT_DOMAIN = 15,
	OPT_WANTED = 50,
	OPT_LEASE = 51,
	OPT_OVERLOAD = 52,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_PARAMETERS = 55,
	OPT_SIZE = 57,
	OPT_T1 = 58,
	OPT_T2 = 59,
	OPT_SEARCH = 119,
	OPT_ROUTES = 121,
	OPT_END = 255,
};

static void wr_bytes(struct wr *w, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		wr_u8(w, ((const uint8_t *)data)[i]);
}

static int is_none(const ipv4 a)
{
	return !memcmp(a, (ipv4){ 0 }, sizeof(ipv4));
}

/* --- what is said --- */

static void wr_option(struct wr *w, enum option code, const void *data, size_t len)
{
	wr_u8(w, (uint8_t)code);
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, data, len);
}

static void wr_options(struct wr *w, const struct dhcp_query *q)
{
	static const uint8_t asked[] = { OPT_MASK, OPT_ROUTES, OPT_ROUTER, OPT_DNS,   OPT_DOMAIN,
					 OPT_T1,   OPT_T2,     OPT_LEASE,  OPT_SEARCH };
	static const uint8_t size[] = { DHCP_BYTES_MAX >> 8, DHCP_BYTES_MAX & 0xff };
	size_t nname = strlen(q->hostname);

	wr_option(w, OPT_TYPE, &q->type, 1);
	if (!is_none(q->wanted))
		wr_option(w, OPT_WANTED, q->wanted, sizeof(ipv4));
	if (!is_none(q->server))
		wr_option(w, OPT_SERVER, q->server, sizeof(ipv4));
	wr_option(w, OPT_SIZE, size, sizeof(size));
	wr_option(w, OPT_PARAMETERS, asked, sizeof(asked));
	if (nname && nname <= HOST_LABEL_MAX)
		wr_option(w, OPT_HOSTNAME, q->hostname, nname);
	wr_u8(w, OPT_END);
}

long dhcp_encode(const struct dhcp_query *q, void *out, size_t room)
{
	static const uint8_t nothing[SNAME_LEN + FILE_LEN + 16];
	struct wr w = wr_init(out, room);

	wr_u8(&w, BOOTREQUEST);
	wr_u8(&w, ETHERNET);
	wr_u8(&w, sizeof(q->mac));
	wr_u8(&w, 0); /* hops */
	wr_be32(&w, q->xid);
	wr_be16(&w, q->secs);
	wr_be16(&w, 0); /* we can take a unicast before we have the address */
	wr_bytes(&w, q->held, sizeof(ipv4));
	wr_bytes(&w, nothing, 12); /* yiaddr, siaddr, giaddr */
	wr_bytes(&w, q->mac, sizeof(q->mac));
	wr_bytes(&w, nothing, 10 + SNAME_LEN + FILE_LEN);
	wr_be32(&w, COOKIE);
	wr_options(&w, q);
	while (!w.bad && wr_len(&w, out) < BOOTP_MIN)
		wr_u8(&w, OPT_PAD);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

/* --- what is answered: options --- */

struct area {
	const uint8_t *at, *end;
};

/* The areas that options lie in, in RFC 3396's order, and room for one of them put together. */
struct options {
	struct area areas[3];
	unsigned nareas;
	uint8_t mem[DHCP_BYTES_MAX];
};

/* The next option: its code, with its bytes in *value; OPT_END behind the last; -EPROTO when its
 * length goes beyond the area. */
static int next_option(struct area *a, struct area *value)
{
	while (a->at < a->end && *a->at == OPT_PAD)
		a->at++;
	if (a->at == a->end || *a->at == OPT_END)
		return OPT_END;
	if (a->end - a->at < 2 || a->end - a->at < 2 + a->at[1])
		return -EPROTO;
	*value = (struct area){ a->at + 2, a->at + 2 + a->at[1] };
	a->at = value->end;
	return value->at[-2];
}

/* Every part of that option, one behind the other, and their number of bytes. */
static size_t gather(struct options *o, enum option code)
{
	size_t len = 0;

	for (unsigned i = 0; i < o->nareas; i++) {
		struct area a = o->areas[i], value = { NULL, NULL };
		int is;

		while ((is = next_option(&a, &value)) >= 0 && is != OPT_END) {
			if (is != (int)code)
				continue;
			memcpy(o->mem + len, value.at, (size_t)(value.end - value.at));
			len += (size_t)(value.end - value.at);
		}
	}
	return len; /* of parts that do not overlap, and together are in one message */
}

/* 0: not there; 1; or -EPROTO: of another length. */
static int option_fixed(struct options *o, enum option code, void *out, size_t len)
{
	size_t n = gather(o, code);

	if (n == len)
		memcpy(out, o->mem, len);
	return n == 0 ? 0 : n == len ? 1 : -EPROTO;
}

static int option_be32(struct options *o, enum option code, uint32_t *v)
{
	uint8_t b[4];
	int rc = option_fixed(o, code, b, sizeof(b));

	if (rc > 0)
		*v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return rc;
}

static int area_is_sound(struct area a)
{
	struct area value;
	int rc;

	while ((rc = next_option(&a, &value)) >= 0)
		if (rc == OPT_END)
			return 1;
	return 0;
}

static int find_options(struct options *o, const uint8_t *data, size_t len)
{
	uint8_t overload = 0;

	o->nareas = 1;
	o->areas[0] = (struct area){ data + OPTIONS_AT, data + len };
	if (!area_is_sound(o->areas[0]) ||
	    option_fixed(o, OPT_OVERLOAD, &overload, sizeof(overload)) < 0 || overload > 3)
		return -EPROTO;
	if (overload & 1)
		o->areas[o->nareas++] = (struct area){ data + FILE_AT, data + FILE_AT + FILE_LEN };
	if (overload & 2)
		o->areas[o->nareas++] = (struct area){ data + SNAME_AT,
						       data + SNAME_AT + SNAME_LEN };
	for (unsigned i = 1; i < o->nareas; i++)
		if (!area_is_sound(o->areas[i]))
			return -EPROTO;
	return 0;
}

/* --- what is answered: addresses and routes --- */

/* An address that one machine can have. */
static int is_hosts(const ipv4 a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static int take_mask(struct dhcp_answer *a, struct options *o)
{
	uint32_t mask = 0;
	int rc = option_be32(o, OPT_MASK, &mask);

	if (rc < 0)
		return rc;
	if (rc == 0) /* RFC 1122, 3.2.1.3: what the address itself says */
		a->prefix = a->addr[0] < 128 ? 8 : a->addr[0] < 192 ? 16 : 24;
	for (; rc && mask >> 31; mask <<= 1)
		a->prefix++;
	return mask || !a->prefix ? -EPROTO : 0; /* a hole, or everybody on one link */
}

static int take_classless(struct dhcp_answer *a, const uint8_t *at, size_t len)
{
	struct rd r = rd_init(at, len);

	while (!r.bad && r.at < r.end) {
		struct dhcp_route route = { .prefix = rd_u8(&r) };

		if (route.prefix > 32)
			return -EPROTO;
		for (unsigned i = 0; i < (route.prefix + 7u) / 8; i++)
			route.net[i] = rd_u8(&r);
		if (route.prefix % 8) /* the kernel takes no bits beyond the prefix */
			route.net[route.prefix / 8] &= (uint8_t)(0xff00 >> route.prefix % 8);
		for (unsigned i = 0; i < sizeof(ipv4); i++)
			route.gateway[i] = rd_u8(&r);
		if (!r.bad && (is_none(route.gateway) || is_hosts(route.gateway)) &&
		    a->nroutes < DHCP_ROUTES_MAX)
			a->routes[a->nroutes++] = route;
	}
	return r.bad ? -EPROTO : 0;
}

static int take_routes(struct dhcp_answer *a, struct options *o)
{
	size_t n = gather(o, OPT_ROUTES);

	if (n)
		return take_classless(a, o->mem, n);
	n = gather(o, OPT_ROUTER);
	if (n % sizeof(ipv4))
		return -EPROTO;
	if (n && is_hosts(o->mem)) /* the first is the one to use (RFC 2132, 3.5) */
		memcpy(a->routes[a->nroutes++].gateway, o->mem, sizeof(ipv4));
	return 0;
}

static int take_dns(struct dhcp_answer *a, struct options *o)
{
	size_t n = gather(o, OPT_DNS);

	if (n % sizeof(ipv4))
		return -EPROTO;
	for (size_t i = 0; i < n && a->ndns < DESC_DNS_MAX; i += sizeof(ipv4))
		if (is_hosts(o->mem + i))
			memcpy(a->dns[a->ndns++], o->mem + i, sizeof(ipv4));
	return 0;
}

/* --- what is answered: domains --- */

static int is_domain(const char *s)
{
	for (const char *c = s; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr("-._", *c))
			return 0;
	return *s != '\0' && *s != '.' && *s != '-';
}

static void keep_domain(struct dhcp_answer *a, const char *name)
{
	if (is_domain(name) && a->nsearch < DESC_SEARCH_MAX)
		memcpy(a->search[a->nsearch++], name, strlen(name) + 1);
}

/* The name at `at` (RFC 1035, 4.1.4); where the next begins, or 0 when it is malformed. A pointer
 * only leads to before all that was read of the name, so that following them ends. */
static size_t read_name(char name[DHCP_DOMAIN_MAX + 1], const uint8_t *mem, size_t len, size_t at)
{
	size_t used = 0, after = 0, before = at;

	while (at < len && mem[at]) {
		size_t n = mem[at];

		if (n >= 0xc0) {
			if (at + 1 >= len)
				return 0;
			after = after ? after : at + 2;
			at = (n & 0x3f) << 8 | mem[at + 1];
			if (at >= before)
				return 0;
			before = at;
			continue;
		}
		if (n > 63 || at + 1 + n > len || used + 1 + n > DHCP_DOMAIN_MAX ||
		    memchr(mem + at + 1, 0, n))
			return 0;
		if (used)
			name[used++] = '.';
		memcpy(name + used, mem + at + 1, n);
		used += n;
		at += 1 + n;
	}
	name[used] = '\0';
	return at >= len ? 0 : after ? after : at + 1;
}

/* The list, or else the one domain. A broken list is no reason to have no network: it ends where
 * it breaks. */
static void take_search(struct dhcp_answer *a, struct options *o)
{
	char name[DHCP_DOMAIN_MAX + 1];
	size_t n = gather(o, OPT_SEARCH);

	for (size_t at = 0; at < n && (at = read_name(name, o->mem, n, at)) > 0;)
		keep_domain(a, name);
	if (a->nsearch)
		return;
	n = gather(o, OPT_DOMAIN);
	while (n && (o->mem[n - 1] == '\0' || o->mem[n - 1] == '.'))
		n--; /* RFC 2132, 2: some end with a NUL */
	if (n > DHCP_DOMAIN_MAX || memchr(o->mem, 0, n))
		return;
	memcpy(name, o->mem, n);
	name[n] = '\0';
	keep_domain(a, name);
}

/* --- what is answered: the whole --- */

/* RFC 2131, 4.4.5: T1 is half of the lease and T2 seven eighths, unless they are said and make
 * sense. */
static int take_times(struct dhcp_answer *a, struct options *o)
{
	int rc = option_be32(o, OPT_LEASE, &a->lease_s), t1, t2;

	if (rc <= 0 || a->lease_s == 0)
		return -EPROTO;
	t1 = option_be32(o, OPT_T1, &a->renew_s);
	t2 = option_be32(o, OPT_T2, &a->rebind_s);
	if (t1 < 0 || t2 < 0)
		return -EPROTO;
	if (!t2 || a->rebind_s > a->lease_s)
		a->rebind_s = a->lease_s - a->lease_s / 8;
	if (!t1 || a->renew_s > a->rebind_s)
		a->renew_s = MIN(a->lease_s / 2, a->rebind_s);
	return 0;
}

static int take_lease(struct dhcp_answer *a, struct options *o)
{
	if (is_none(a->server) || !is_hosts(a->addr) || take_mask(a, o) < 0 ||
	    take_times(a, o) < 0 || take_routes(a, o) < 0 || take_dns(a, o) < 0)
		return -EPROTO;
	take_search(a, o);
	return 0;
}

int dhcp_decode(struct dhcp_answer *a, const void *data, size_t len)
{
	const uint8_t *b = data;
	struct rd r = rd_init(data, len);
	struct options o;

	memset(a, 0, sizeof(*a));
	if (len < OPTIONS_AT || len > DHCP_BYTES_MAX || b[0] != BOOTREPLY || b[1] != ETHERNET ||
	    b[2] != sizeof(a->mac))
		return -EPROTO;
	r.at = b + 4;
	a->xid = rd_be32(&r);
	memcpy(a->mac, b + 28, sizeof(a->mac));
	r.at = b + OPTIONS_AT - 4;
	if (rd_be32(&r) != COOKIE || find_options(&o, data, len) < 0 ||
	    option_fixed(&o, OPT_TYPE, &a->type, 1) <= 0 ||
	    option_fixed(&o, OPT_SERVER, a->server, sizeof(a->server)) < 0)
		return -EPROTO;
	if (a->type == DHCP_NAK)
		return 0;
	memcpy(a->addr, b + 16, sizeof(a->addr));
	return a->type == DHCP_OFFER || a->type == DHCP_ACK ? take_lease(a, &o) : -EPROTO;
}

/* --- in IP and UDP (RFC 791, 768) --- */

/* The ones' complement sum, to be folded and turned round at the end. */
static uint32_t add_up(uint32_t sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Over the addresses of the IP header, the protocol and the length, too. */
static uint16_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	return folded(add_up(add_up(17 + (uint32_t)len, ip + 12, 8), udp, len));
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

long dhcp_wrap(const void *message, size_t len, void *out, size_t room)
{
	uint8_t *ip = out, *udp = ip + IP_LEN;
	size_t total = IP_LEN + UDP_LEN + len;
	uint16_t sum;

	if (total > room || total > DHCP_PACKET_MAX)
		return -EMSGSIZE;
	memset(ip, 0, IP_LEN + UDP_LEN);
	memcpy(udp + UDP_LEN, message, len);
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)total);
	ip[8] = 64; /* hops */
	ip[9] = 17; /* UDP */
	memset(ip + 16, 0xff, sizeof(ipv4));
	put16(ip + 10, folded(add_up(0, ip, IP_LEN)));
	put16(udp, DHCP_CLIENT_PORT);
	put16(udp + 2, DHCP_SERVER_PORT);
	put16(udp + 4, (uint16_t)(UDP_LEN + len));
	sum = udp_sum(ip, udp, UDP_LEN + len);
	put16(udp + 6, sum ? sum : 0xffff); /* 0 would say: none */
	return (long)total;
}

static size_t get16(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

long dhcp_unwrap(const void *packet, size_t len, int unsummed, const uint8_t **message)
{
	const uint8_t *ip = packet, *udp;
	size_t head, total, n;

	if (len < IP_LEN || ip[0] >> 4 != 4)
		return -EPROTO;
	head = (size_t)(ip[0] & 0xf) * 4;
	total = get16(ip + 2); /* what a short frame was padded with is behind it */
	if (head < IP_LEN || total < head + UDP_LEN || total > len || ip[9] != 17 ||
	    get16(ip + 6) & 0x3fff || folded(add_up(0, ip, head)) != 0)
		return -EPROTO;
	udp = ip + head;
	n = get16(udp + 4);
	if (n < UDP_LEN || n > total - head || get16(udp) != DHCP_SERVER_PORT ||
	    get16(udp + 2) != DHCP_CLIENT_PORT)
		return -EPROTO;
	if (get16(udp + 6) && !unsummed && udp_sum(ip, udp, n) != 0)
		return -EPROTO;
	*message = udp + UDP_LEN;
	return (long)(n - UDP_LEN);
}
