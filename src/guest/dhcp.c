/*
 * dhcp - asks for an interface's IPv4 address, and keeps it.
 */
#include "guest/dhcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/iface.h"
#include "guest/netlink.h"

enum {
	REQUESTS_MAX = 4,     /* then the offer is forgotten */
	RENEW_MIN_S = 60,     /* RFC 2131, 4.4.5 */
	TIMER_MAX_S = 100000, /* a timer takes a lease's time in steps */
	BURST_MAX = 64,	      /* packets read in one turn */
};

/* --- time --- */

static uint32_t chance(const struct dhcp *d)
{
	uint32_t n;

	/* The kernel may not have gathered enough yet: then it is no secret, but still differs. */
	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n))
		n = (uint32_t)clock_us() * 2654435761u ^ (uint32_t)d->mac[4] << 8 ^ d->mac[5];
	return n;
}

/* RFC 2131, 4.1, behind a first second: a network that has only just come up loses packets. Each
 * is a second more or less, but never less than one. */
static unsigned retry_ms(const struct dhcp *d, unsigned tries)
{
	static const unsigned table[] = { 1000, 4000, 8000, 16000, 32000, 64000 };
	unsigned ms = table[MIN(tries, (unsigned)COUNT(table) - 1)];

	return ms == 1000 ? ms + chance(d) % 500 : ms - 1000 + chance(d) % 2000;
}

static int64_t left_s(const struct dhcp *d, uint32_t of_lease_s)
{
	return of_lease_s - (clock_ms() - d->bound_ms) / 1000;
}

/* At that second of the lease, or on the way there. */
static void wake_at(struct dhcp *d, uint32_t of_lease_s)
{
	int64_t ms = d->bound_ms + (int64_t)of_lease_s * 1000 - clock_ms();

	loop_after(d->loop, &d->timer, (unsigned)MAX(0, MIN(ms, (int64_t)TIMER_MAX_S * 1000)));
}

/* --- sockets --- */

static void hang_up(struct dhcp *d)
{
	loop_del(d->loop, &d->ear);
	fd_close(&d->ear.fd);
}

/* Attached before the socket hears anything: IPv4 that is UDP, whole, and for a client's port.
 * Offsets are from the IP header. */
static int set_filter(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_CLIENT_PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	static const struct sock_fprog program = { COUNT(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static struct sockaddr_ll on_the_link(const struct dhcp *d)
{
	return (struct sockaddr_ll){ .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_IP),
				     .sll_ifindex = d->index,
				     .sll_halen = ETH_ALEN,
				     .sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
}

static int open_packets(struct dhcp *d)
{
	const struct sockaddr_ll here = on_the_link(d);
	const int on = 1;

	d->ear.fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->ear.fd < 0 || set_filter(d->ear.fd) < 0 ||
	    setsockopt(d->ear.fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    bind(d->ear.fd, (const void *)&here, sizeof(here)) < 0)
		return -errno;
	return 0;
}

/* Of any address: a refusal may come by broadcast. */
static int open_udp(struct dhcp *d)
{
	const struct sockaddr_in here = { .sin_family = AF_INET,
					  .sin_port = htons(DHCP_CLIENT_PORT) };
	const int on = 1;

	d->ear.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->ear.fd < 0 ||
	    setsockopt(d->ear.fd, SOL_SOCKET, SO_BINDTODEVICE, d->name,
		       (socklen_t)strlen(d->name) + 1) < 0 ||
	    setsockopt(d->ear.fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0 ||
	    setsockopt(d->ear.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(d->ear.fd, (const void *)&here, sizeof(here)) < 0)
		return -errno;
	return 0;
}

static int has_udp(const struct dhcp *d)
{
	return d->state == DHCP_RENEWING || d->state == DHCP_REBINDING;
}

static int listen_to(struct dhcp *d)
{
	int rc;

	if (d->ear.fd >= 0)
		return 0;
	rc = has_udp(d) ? open_udp(d) : open_packets(d);
	if (rc == 0)
		rc = loop_add(d->loop, &d->ear, EPOLLIN);
	if (rc < 0)
		hang_up(d);
	return rc;
}

/* --- questions --- */

static int send_message(struct dhcp *d, const void *message, size_t len)
{
	const struct sockaddr_ll all = on_the_link(d);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(DHCP_SERVER_PORT) };
	uint8_t packet[DHCP_PACKET_MAX];
	long n;

	if (!has_udp(d)) {
		n = dhcp_wrap(message, len, packet, sizeof(packet));
		return n < 0 ? (int)n
		       : sendto(d->ear.fd, packet, (size_t)n, 0, (const void *)&all, sizeof(all)) <
				       0
			       ? -errno
			       : 0;
	}
	to.sin_addr.s_addr = INADDR_BROADCAST;
	if (d->state == DHCP_RENEWING)
		memcpy(&to.sin_addr, d->lease.server, sizeof(d->lease.server));
	return sendto(d->ear.fd, message, len, MSG_DONTWAIT, (const void *)&to, sizeof(to)) < 0
		       ? -errno
		       : 0;
}

/* RFC 2131, table 5. */
static int send_query(struct dhcp *d)
{
	struct dhcp_query q = { .type = DHCP_REQUEST,
				.xid = d->xid,
				.secs = (uint16_t)MIN((clock_ms() - d->began_ms) / 1000, 0xffff),
				.hostname = d->hostname };
	uint8_t message[DHCP_BYTES_MAX];
	long n;

	memcpy(q.mac, d->mac, sizeof(q.mac));
	if (d->state == DHCP_SELECTING) {
		q.type = DHCP_DISCOVER;
	} else if (d->state == DHCP_REQUESTING) {
		memcpy(q.wanted, d->offer.addr, sizeof(q.wanted));
		memcpy(q.server, d->offer.server, sizeof(q.server));
	} else {
		memcpy(q.held, d->lease.addr, sizeof(q.held));
	}
	n = dhcp_encode(&q, message, sizeof(message));
	return n < 0 ? (int)n : send_message(d, message, (size_t)n);
}

/* Half of what is left until `end`, but a minute at least. */
static void renew_again(struct dhcp *d, uint32_t end_s)
{
	int64_t left = left_s(d, end_s), wait = MAX(left / 2, (int64_t)RENEW_MIN_S);

	wake_at(d, (uint32_t)(end_s - left + MIN(wait, left)));
}

/* Says what the state has to say, and sets when it is to be said again. */
static void ask(struct dhcp *d)
{
	d->trouble = listen_to(d);
	if (d->trouble == 0)
		d->trouble = send_query(d);
	if (d->state == DHCP_RENEWING)
		renew_again(d, d->lease.rebind_s);
	else if (d->state == DHCP_REBINDING)
		renew_again(d, d->lease.lease_s);
	else
		loop_after(d->loop, &d->timer, retry_ms(d, d->tries));
	d->tries++;
}

static void enter(struct dhcp *d, enum dhcp_state state)
{
	if (state == DHCP_SELECTING || state == DHCP_RENEWING) {
		hang_up(d); /* the other kind of socket */
		d->xid = chance(d);
		d->began_ms = clock_ms();
	}
	/* The lease counts from the question, not from its answer. */
	if (state != DHCP_REBINDING)
		d->asked_ms = clock_ms();
	d->state = state;
	d->tries = 0;
	ask(d);
}

/* --- the kernel's side of a lease --- */

static struct desc_addr address(const ipv4 a, uint8_t prefix)
{
	struct desc_addr r = { .family = 4, .prefix = prefix };

	memcpy(r.bytes, a, sizeof(ipv4));
	return r;
}

static int nobodys(const ipv4 a)
{
	return !memcmp(a, (ipv4){ 0 }, sizeof(ipv4));
}

/* The routes of a lease; 0: this one is not to be set, as the description has its own. */
static int route_of(const struct dhcp *d, const struct dhcp_answer *l, uint32_t i,
		    struct iface_route *r)
{
	const struct dhcp_route *from = &l->routes[i];
	struct desc_addr here = address(l->addr, l->prefix);

	*r = (struct iface_route){ .net = address(from->net, from->prefix),
				   .protocol = RTPROT_DHCP };
	if (!nobodys(from->gateway)) {
		r->gateway = address(from->gateway, 32);
		r->onlink = !iface_is_in(&here, &r->gateway);
	}
	return from->prefix != 0 || !d->has_gateway;
}

static void take_away(struct dhcp *d, const struct dhcp_answer *l)
{
	const struct desc_addr here = address(l->addr, l->prefix);
	int fd = nl_open(NETLINK_ROUTE, 0);
	struct iface_route r;

	/* What has gone by itself, with the address's lifetime or the interface, is as well. */
	for (uint32_t i = 0; fd >= 0 && i < l->nroutes; i++)
		if (route_of(d, l, i, &r))
			iface_del_route(fd, d->index, &r);
	if (fd >= 0)
		iface_del_addr(fd, d->index, &here);
	fd_close(&fd);
}

/* On-link routes first: a gateway may be behind one (RFC 3442). */
static int put_in_place(struct dhcp *d, const struct dhcp_answer *l)
{
	const struct desc_addr here = address(l->addr, l->prefix);
	int fd = nl_open(NETLINK_ROUTE, 0), rc = fd;
	struct iface_route r;

	if (rc >= 0)
		rc = iface_add_addr(fd, d->index, &here, l->lease_s);
	for (int on_link = 1; on_link >= 0; on_link--)
		for (uint32_t i = 0; rc == 0 && i < l->nroutes; i++)
			if (route_of(d, l, i, &r) && on_link == !r.gateway.family)
				rc = iface_add_route(fd, d->index, &r);
	fd_close(&fd);
	return rc;
}

/* --- what becomes of it --- */

int dhcp_is_bound(const struct dhcp *d)
{
	return d->state >= DHCP_BOUND;
}

/* Asks anew, later each time it was refused: a server that refuses at once must not be asked
 * without end. */
static void begin_anew(struct dhcp *d)
{
	hang_up(d);
	d->state = DHCP_INIT;
	loop_after(d->loop, &d->timer, retry_ms(d, d->failures));
	d->failures += d->failures < 16;
}

static void lose(struct dhcp *d, const char *why)
{
	log_warn("%s: the lease %s", d->name, why);
	take_away(d, &d->lease);
	memset(&d->lease, 0, sizeof(d->lease));
	begin_anew(d);
	d->changed(d);
}

static int is_other(const struct dhcp_answer *a, const struct dhcp_answer *b)
{
	return memcmp(a->addr, b->addr, sizeof(a->addr)) || a->prefix != b->prefix ||
	       a->nroutes != b->nroutes || memcmp(a->routes, b->routes, sizeof(a->routes)) ||
	       a->ndns != b->ndns || memcmp(a->dns, b->dns, sizeof(a->dns)) ||
	       a->nsearch != b->nsearch || memcmp(a->search, b->search, sizeof(a->search));
}

/* An hour's lease of the same says nothing new to anybody but the kernel. */
static void bind_to(struct dhcp *d, const struct dhcp_answer *a)
{
	int had = dhcp_is_bound(d), other = !had || is_other(a, &d->lease);

	if (had && other)
		take_away(d, &d->lease);
	d->trouble = put_in_place(d, a);
	if (d->trouble < 0) {
		take_away(d, a);
		if (had)
			lose(d, "could not be put in place");
		else
			begin_anew(d);
		return;
	}
	hang_up(d);
	d->lease = *a;
	d->bound_ms = d->asked_ms;
	d->state = DHCP_BOUND;
	d->failures = 0;
	loop_cancel(d->loop, &d->timer);
	if (a->lease_s != DHCP_FOREVER)
		wake_at(d, MAX(a->renew_s, 1u));
	if (other)
		d->changed(d);
}

/* RFC 2131, 3.1: a client asks one server; the others' answers to it are not for us. While it
 * rebinds, it asks all. */
static int is_from(const struct dhcp_answer *a, const ipv4 server)
{
	return !memcmp(a->server, server, sizeof(ipv4));
}

static void take_answer(struct dhcp *d, const void *message, size_t len)
{
	struct dhcp_answer a;

	if (dhcp_decode(&a, message, len) < 0 || a.xid != d->xid ||
	    memcmp(a.mac, d->mac, sizeof(a.mac)) != 0)
		return;
	if (d->state == DHCP_SELECTING) {
		if (a.type != DHCP_OFFER)
			return;
		d->offer = a;
		enter(d, DHCP_REQUESTING);
		return;
	}
	if (d->state != DHCP_REBINDING &&
	    !is_from(&a, d->state == DHCP_REQUESTING ? d->offer.server : d->lease.server))
		return;
	if (a.type == DHCP_ACK)
		bind_to(d, &a);
	else if (a.type == DHCP_NAK && dhcp_is_bound(d))
		lose(d, "was taken back by its server");
	else if (a.type == DHCP_NAK)
		begin_anew(d);
}

/* --- events --- */

static int is_unsummed(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			struct tpacket_auxdata aux;

			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			return (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
		}
	return 0;
}

/* One datagram's message; 0: there was none of use; or a negative errno. */
static long hear(struct dhcp *d, uint8_t mem[DHCP_PACKET_MAX], const uint8_t **message)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov = { mem, DHCP_PACKET_MAX };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(d->ear.fd, &m, 0);

	if (n < 0)
		return -errno;
	*message = mem;
	if (!has_udp(d)) {
		n = dhcp_unwrap(mem, (size_t)n, is_unsummed(&m), message);
		return MAX(n, 0);
	}
	return m.msg_flags & MSG_TRUNC ? 0 : n;
}

/* An answer may close the socket, or change its kind: then this is not the one to go on with. */
static void ear_ready(struct watch *w, uint32_t events)
{
	struct dhcp *d = CONTAINER(w, struct dhcp, ear);
	enum dhcp_state state = d->state;
	uint8_t mem[DHCP_PACKET_MAX];
	const uint8_t *message;

	(void)events;
	for (unsigned i = 0; i < BURST_MAX && d->state == state; i++) {
		long n = hear(d, mem, &message);

		if (n == -EAGAIN)
			return;
		if (n < 0)
			d->trouble = (int)n; /* the link went down; a later question tells */
		else if (n > 0)
			take_answer(d, message, (size_t)n);
	}
}

static void bound_due(struct dhcp *d)
{
	if (left_s(d, MAX(d->lease.renew_s, 1u)) > 0)
		wake_at(d, MAX(d->lease.renew_s, 1u));
	else
		enter(d, DHCP_RENEWING);
}

static void timer_due(struct timer *t)
{
	struct dhcp *d = CONTAINER(t, struct dhcp, timer);

	switch (d->state) {
	case DHCP_INIT:
		enter(d, DHCP_SELECTING);
		break;
	case DHCP_SELECTING:
		ask(d);
		break;
	case DHCP_REQUESTING:
		if (d->tries < REQUESTS_MAX)
			ask(d);
		else
			begin_anew(d);
		break;
	case DHCP_BOUND:
		bound_due(d);
		break;
	case DHCP_RENEWING:
		if (left_s(d, d->lease.rebind_s) > 0)
			ask(d);
		else
			enter(d, DHCP_REBINDING);
		break;
	case DHCP_REBINDING:
		if (left_s(d, d->lease.lease_s) > 0)
			ask(d);
		else
			lose(d, "has run out");
		break;
	}
}

void dhcp_begin(struct dhcp *d)
{
	d->ear = (struct watch){ -1, ear_ready };
	d->timer = (struct timer){ .due = timer_due };
	d->failures = 0;
	memset(&d->lease, 0, sizeof(d->lease));
	enter(d, DHCP_SELECTING);
}

void dhcp_stop(struct dhcp *d)
{
	loop_cancel(d->loop, &d->timer);
	hang_up(d);
	d->state = DHCP_INIT;
}
