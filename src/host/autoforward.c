/*
 * autoforward - what listens in the guest, reachable on this host's 127.0.0.1.
 */
#include "host/autoforward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/forwards.h"
#include "proto/ports.h"

enum {
	WAIT_MS = 100,
	WAIT_MAX_MS = 5000,
	/* What changes is looked at soon; but of a guest that goes on changing so often only, */
	SETTLE_MS = 20,
	SETTLE_AGAIN_MS = 500,
	TOLD_MAX = 1000, /* and so much is told of it */
};

static const struct destination agent_port = { .kind = TO_VSOCK, .port = PORT_AGENT };

/* --- what is wanted --- */

/* On an address that is its own the guest can be reached there; else, by the name of both
 * loopbacks. */
static void address_of(char out[STREAM_ADDRESS_MAX], const struct port *p)
{
	static const uint8_t any[16], loopback6[16] = { [15] = 1 };

	if (!memcmp(p->addr, any, sizeof(any)) || (p->family == 4 && p->addr[0] == 127) ||
	    (p->family == 6 && !memcmp(p->addr, loopback6, sizeof(loopback6))))
		snprintf(out, STREAM_ADDRESS_MAX, "localhost");
	else
		inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->addr, out, STREAM_ADDRESS_MAX);
}

static int is_ruled_in(const struct autoforward *a, const struct port *p)
{
	for (unsigned i = 0; i < a->nrules; i++)
		if (a->rule[i].is_udp == (p->proto == PORT_UDP) &&
		    portset_has(&a->rule[i].ports, p->port))
			return 1;
	return 0;
}

/* An explicit forward that leads there already is enough. */
static int leads_to(const struct forward *f, const struct port *p)
{
	char address[STREAM_ADDRESS_MAX];
	const char *to = f->to.address;

	if (!strcmp(to, "127.0.0.1") || !strcmp(to, "::1"))
		to = "localhost";
	address_of(address, p);
	return f->to.port == p->port && !strcmp(to, address) &&
	       f->to.kind == (p->proto == PORT_UDP ? TO_UDP : TO_TCP);
}

static const struct forward *forward_to(const struct forwards *fs, const struct port *p)
{
	const struct forward *f = fs->first;

	while (f && !leads_to(f, p))
		f = f->next;
	return f;
}

static int still_listens(const struct autoforward *a, const struct forward *f)
{
	for (uint32_t i = 0; i < a->now->count; i++)
		if (leads_to(f, &a->now->port[i]) && is_ruled_in(a, &a->now->port[i]))
			return 1;
	return 0;
}

/* --- making it so --- */

/* The same port; or, when somebody has that, any. */
static void open_one(struct autoforward *a, const struct port *p)
{
	struct forward like = { .is_udp = p->proto == PORT_UDP, .is_auto = 1 }, *f;
	struct err e = ERR_NONE, other = ERR_NONE;

	like.to.kind = like.is_udp ? TO_UDP : TO_TCP;
	like.to.port = p->port;
	address_of(like.to.address, p);
	hostaddr_ip(&like.host, "127.0.0.1");
	hostaddr_set_port(&like.host, p->port);
	f = forwards_listen(a->fs, &like, &e);
	if (!f) {
		hostaddr_set_port(&like.host, 0);
		f = forwards_listen(a->fs, &like, &other);
	}
	if (!f)
		log_warn("forward: port %u of the guest: %s", p->port, other.text);
	else if (a->told++ < TOLD_MAX)
		a->fs->news->said(a->fs, f, e.text);
}

/* Their number. */
static unsigned close_what_has_gone(struct autoforward *a)
{
	unsigned left = 0;

	for (struct forward *f = a->fs->first, *next; f; f = next) {
		next = f->next;
		if (f->is_auto && !still_listens(a, f))
			forwards_withdraw(a->fs, f, a->told++ < TOLD_MAX);
		else
			left += f->is_auto != 0;
	}
	return left;
}

static void settle(struct autoforward *a)
{
	unsigned count = close_what_has_gone(a);

	for (uint32_t i = 0; i < a->now->count && count < AUTOFORWARDS_MAX; i++) {
		const struct port *p = &a->now->port[i];

		if (!is_ruled_in(a, p) || forward_to(a->fs, p))
			continue;
		open_one(a, p);
		count++;
	}
	a->settled_ms = clock_ms();
}

/* --- the guest's words --- */

static void hang_up(struct autoforward *a)
{
	end_close(&a->peer);
	loop_after(a->fs->loop, &a->timer, a->wait_ms);
	a->wait_ms = MIN(2 * a->wait_ms, WAIT_MAX_MS);
}

static int ask(struct autoforward *a)
{
	struct fifo none = { 0 };

	return frame_post(&none, a->peer.w.fd, FRAME_PORTS, NULL, 0);
}

/* Nothing may be changed by what cannot be: decoded aside. */
static int take_all(struct autoforward *a, const struct frame *f)
{
	struct agent_ports *all = malloc(sizeof(*all));
	int rc = all ? agent_ports_decode(all, f->data, f->len) : -ENOMEM;

	if (rc == 0)
		*a->now = *all;
	free(all);
	return rc;
}

static int take_change(struct autoforward *a, const struct frame *f)
{
	struct agent_ports_change *c = malloc(sizeof(*c));
	int rc = c ? agent_ports_change_decode(c, f->data, f->len) : -ENOMEM;

	if (rc == 0)
		rc = agent_ports_apply(a->now, c);
	free(c);
	return rc == -ESTALE ? ask(a) : rc;
}

static int take_frame(struct autoforward *a, const struct frame *f)
{
	int rc = f->type == FRAME_PORTS		 ? take_all(a, f)
		 : f->type == FRAME_PORTS_CHANGE ? take_change(a, f)
						 : -EPROTO;

	if (rc == 0 && !a->timer.at_ms)
		loop_after(a->fs->loop, &a->timer,
			   clock_ms() - a->settled_ms < SETTLE_AGAIN_MS ? SETTLE_AGAIN_MS
									: SETTLE_MS);
	return rc;
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct autoforward *a = CONTAINER(w, struct autoforward, peer.w);
	ssize_t n = inbox_fill(&a->in, w->fd);
	struct frame f;
	int rc = 0;

	(void)events;
	if (n == -EAGAIN)
		return;
	while (n > 0 && rc >= 0 && (rc = frame_next(&a->in, &f)) > 0)
		rc = take_frame(a, &f) < 0 ? -EPROTO : 1;
	if (n <= 0 || rc < 0)
		hang_up(a);
	else
		a->wait_ms = WAIT_MS;
}

/* --- the connection --- */

static void dialled(struct dialling *x, int fd, const struct err *why)
{
	struct autoforward *a = CONTAINER(x, struct autoforward, dialling);

	(void)why;
	if (fd >= 0) {
		end_open(&a->peer, fd);
		inbox_init(&a->in, a->mem, sizeof(a->mem));
	}
	if (fd < 0 || ask(a) < 0 || end_want(&a->peer, EPOLLIN) < 0)
		hang_up(a);
}

static void due(struct timer *t)
{
	struct autoforward *a = CONTAINER(t, struct autoforward, timer);

	if (a->peer.w.fd >= 0)
		settle(a);
	else if (!a->dialling.d && a->fs->dialler.guest_is_up) /* else autoforward_call() follows */
		(void)dialler_dial(&a->fs->dialler, &a->dialling, &agent_port, dialled);
}

void autoforward_call(struct autoforward *a)
{
	if (!a->now || a->peer.w.fd >= 0)
		return;
	dialling_cancel(&a->dialling);
	a->wait_ms = WAIT_MS;
	loop_after(a->fs->loop, &a->timer, 0);
}

int autoforward_add(struct autoforward *a, struct forwards *fs, const struct forwardrule *r,
		    struct err *e)
{
	if (a->nrules == AUTO_RULES_MAX)
		return err_usage(e, "auto: more than %d rules of what is forwarded by itself",
				 AUTO_RULES_MAX);
	if (!a->now) {
		a->now = calloc(1, sizeof(*a->now));
		if (!a->now)
			return err_set(e, -ENOMEM, "no memory for the guest's ports");
		a->fs = fs;
		a->peer = END_INIT(fs->loop, peer_ready);
		a->timer.due = due;
		autoforward_call(a);
	} else {
		loop_after(fs->loop, &a->timer, 0);
	}
	snprintf(a->rule[a->nrules].text, sizeof(a->rule->text), "%s", r->text);
	a->rule[a->nrules].is_udp = r->is_udp;
	a->rule[a->nrules++].ports = r->ports;
	return 0;
}

void autoforward_stop(struct autoforward *a)
{
	if (!a->now)
		return;
	loop_cancel(a->fs->loop, &a->timer);
	dialling_cancel(&a->dialling);
	end_close(&a->peer);
	free(a->now);
	a->now = NULL;
}
