/*
 * dialler - the one way from this host into a guest.
 */
#include "host/dialler.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/sockets.h"
#include "proto/ports.h"

enum {
	RETRY_MS = 2,
	RETRY_MAX_MS = 200,
	ATTEMPT_MS = 2000, /* for the OK of one attempt: who takes that long is given a new one */
};

static uint32_t port_of(const struct destination *to)
{
	return to->kind == TO_VSOCK ? to->port : PORT_STREAM;
}

/* --- how it ends --- */

/* It is nobody's from here on, and its connection not ours. */
static void leave(struct dialling *x)
{
	loop_cancel(x->d->loop, &x->timer);
	end_want(&x->end, 0);
	end_open(&x->end, -1);
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	x->d = NULL;
}

void dialling_cancel(struct dialling *x)
{
	if (!x->d)
		return;
	leave(x);
	dial_close(&x->dial);
}

static void fail(struct dialling *x, const struct err *why)
{
	dialling_cancel(x);
	x->done(x, why->code, why);
}

static void succeed(struct dialling *x)
{
	struct err none = ERR_NONE;
	int fd = x->dial.fd;

	leave(x);
	x->done(x, fd, &none);
}

static void give_up(struct dialling *x, int rc)
{
	struct err why = ERR_NONE;
	unsigned hold_ms = x->d->hold_ms;

	if (x->is_asked)
		err_deadline(&why, "the guest's stream server did not answer in time");
	else
		err_set(&why, rc, "the guest could not be reached for %u ms: %s", hold_ms,
			rc == -ECONNRESET || rc == -EPIPE ? "its server does not listen"
			: rc == -ETIMEDOUT		  ? "it does not answer"
							  : strerror(-rc));
	fail(x, &why);
}

/* A port of the guest's own refuses; while the guest comes up that may change. */
static int is_final(const struct dialling *x, int rc)
{
	return x->to->kind == TO_VSOCK && x->d->guest_is_up && rc == -ECONNRESET;
}

/* This attempt was in vain. */
static void attempt_failed(struct dialling *x, int rc)
{
	struct dialler *d = x->d;
	struct err why = ERR_NONE;

	end_want(&x->end, 0);
	end_open(&x->end, -1);
	dial_close(&x->dial);
	x->is_asked = 0;
	if (is_final(x, rc)) {
		x->is_refused = 1;
		err_set(&why, -ECONNREFUSED, "vsock port %u: Connection refused",
			(unsigned)x->to->port);
		fail(x, &why);
	} else if (clock_ms() + x->wait_ms >= x->until_ms) {
		give_up(x, rc);
	} else {
		loop_after(d->loop, &x->timer, x->wait_ms);
		x->wait_ms = MIN(2 * x->wait_ms, RETRY_MAX_MS);
	}
}

/* --- how it goes on --- */

static void ask(struct dialling *x)
{
	struct dialler *d = x->d;
	const struct stream_req q = {
		.kind = (uint8_t)x->to->kind,
		.address = x->to->address,
		.port = (uint16_t)x->to->port,
		.timeout_ms = d->connect_ms,
	};
	int rc = stream_ask(x->dial.fd, &q);

	if (rc < 0) {
		attempt_failed(x, rc);
		return;
	}
	x->is_asked = 1;
	x->answer.have = 0;
	loop_after(d->loop, &x->timer, d->connect_ms + STREAM_GUEST_MS);
}

static void answer_came(struct dialling *x)
{
	struct err why = ERR_NONE;
	int rc = stream_step(&x->answer, x->dial.fd, &why);

	if (rc == 0) {
		succeed(x);
	} else if (why.code < 0) {
		x->is_refused = 1;
		fail(x, &why);
	} else if (rc != -EAGAIN) {
		attempt_failed(x, rc); /* its server went away: the destination has heard nothing */
	}
}

static void conn_ready(struct watch *w, uint32_t events)
{
	struct dialling *x = CONTAINER(w, struct dialling, end.w);
	int rc;

	(void)events;
	if (x->is_asked) {
		answer_came(x);
		return;
	}
	rc = dial_step(&x->dial);
	if (rc == -EAGAIN)
		return;
	if (rc < 0)
		attempt_failed(x, rc);
	else if (x->to->kind == TO_VSOCK)
		succeed(x);
	else
		ask(x);
}

static void attempt(struct dialling *x)
{
	struct dialler *d = x->d;
	char path[SOCKET_PATH_ROOM];
	int rc = dial_begin(&x->dial, sockets_path(path, d->sockets_dir, "vsock.sock"),
			    port_of(x->to));

	if (rc == 0) {
		end_open(&x->end, x->dial.fd);
		rc = end_want(&x->end, EPOLLIN);
	}
	if (rc < 0)
		attempt_failed(x, rc);
	else
		loop_after(d->loop, &x->timer, ATTEMPT_MS);
}

static void due(struct timer *t)
{
	struct dialling *x = CONTAINER(t, struct dialling, timer);

	if (x->dial.fd < 0)
		attempt(x);
	else if (x->is_asked)
		give_up(x, -ETIMEDOUT);
	else
		attempt_failed(x, -ETIMEDOUT);
}

/* --- for the owners --- */

int dialler_dial(struct dialler *d, struct dialling *x, const struct destination *to,
		 void (*done)(struct dialling *x, int fd, const struct err *why))
{
	x->d = NULL;
	if (d->is_shut)
		return -ESHUTDOWN;
	*x = (struct dialling){
		.d = d,
		.next = d->first,
		.link = &d->first,
		.to = to,
		.dial = DIAL_NONE,
		.end = END_INIT(d->loop, conn_ready),
		.timer = { .due = due },
		.until_ms = clock_ms() + d->hold_ms,
		.wait_ms = RETRY_MS,
		.done = done,
	};
	if (d->first)
		d->first->link = &x->next;
	d->first = x;
	loop_after(d->loop, &x->timer, 0);
	return 0;
}

void dialler_shut(struct dialler *d)
{
	struct err why = ERR_NONE;

	d->is_shut = 1;
	err_set(&why, -ESHUTDOWN, "the VM is ending");
	while (d->first)
		fail(d->first, &why);
}

void dialler_init(struct dialler *d, struct loop *l, int sockets_dir)
{
	*d = (struct dialler){
		.loop = l,
		.sockets_dir = sockets_dir,
		.hold_ms = DIALLER_HOLD_MS,
		.connect_ms = DIALLER_CONNECT_MS,
	};
}
