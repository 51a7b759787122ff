/*
 * flow - the datagrams between one client of a forward and the guest.
 */
#include "host/flow.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/sparse.h"
#include "base/util.h"
#include "host/forward.h"
#include "host/text.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum {
	IDLE_MS = 2 * 60 * 1000,
	BURST = 16, /* datagrams in one turn of the loop */
	FRAME_BYTES = FRAME_HEADER + STREAM_DATAGRAM_MAX,
	PAGE = 4096,
};

struct flow {
	struct flows *all;	 /* borrowed; NULL: the place is free, and all of it zero */
	struct forward *forward; /* borrowed: it ends its flows */
	struct hostaddr client;
	struct dialling dialling;
	struct end guest;
	struct inbox in;
	struct fifo out;
	struct timer idle;
	int64_t heard_ms;
};

struct flow_place {
	struct flow flow;
	_Alignas(PAGE) uint8_t in[FRAME_BYTES];
	_Alignas(PAGE) uint8_t out[2 * FRAME_BYTES];
};

struct flows {
	struct dialler *dialler; /* borrowed */
	unsigned idle_ms;
	uint8_t chunk[STREAM_DATAGRAM_MAX];
	struct flow_place place[FLOWS_MAX];
};

/* --- a flow's life --- */

/* The last line of whoever calls it. */
static void end(struct flow *w)
{
	struct flow_place *place = CONTAINER(w, struct flow_place, flow);
	struct forward *f = w->forward;

	loop_cancel(w->all->dialler->loop, &w->idle);
	dialling_cancel(&w->dialling);
	end_close(&w->guest);
	madvise(place, sizeof(*place), MADV_DONTNEED);
	forward_left(f);
}

/* Timers are armed once and look at the time when they are due: a datagram is no reason to. */
static void idle_due(struct timer *t)
{
	struct flow *w = CONTAINER(t, struct flow, idle);
	int64_t left = w->heard_ms + w->all->idle_ms - clock_ms();

	if (left <= 0)
		end(w);
	else
		loop_after(w->all->dialler->loop, t, (unsigned)left);
}

static int settle(struct flow *w)
{
	return end_want(&w->guest, EPOLLIN | (w->out.len ? EPOLLOUT : 0u));
}

/* --- from the guest --- */

static void refused(struct flow *w, const struct frame *f)
{
	struct err why = ERR_NONE;
	struct refusal r;
	char text[200];

	if (f->type != FRAME_ERROR || refusal_decode(&r, f->data, f->len) < 0)
		err_set(&why, -EPROTO, "the guest's stream server sent what no such server sends");
	else
		err_set(&why, -ECONNREFUSED, "%s",
			text_clean(text, sizeof(text), r.text, strlen(r.text)));
	forward_missed(w->forward, 1, &why);
}

static void send_on(struct flow *w, const struct frame *f)
{
	w->heard_ms = clock_ms();
	if (sendto(w->forward->datagrams.w.fd, f->data, f->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		   &w->client.any, hostaddr_len(&w->client)) < 0)
		w->forward->dropped++;
}

/* 0, or negative: that was the last. */
static int hear_guest(struct flow *w)
{
	ssize_t n = inbox_fill(&w->in, w->guest.w.fd);
	struct frame f;
	int rc;

	if (n <= 0)
		return n == -EAGAIN ? 0 : -ECONNRESET;
	while ((rc = frame_next(&w->in, &f)) > 0) {
		if (f.type != FRAME_DATAGRAM) {
			refused(w, &f);
			return -EPROTO;
		}
		send_on(w, &f);
	}
	return rc;
}

static void guest_ready(struct watch *watch, uint32_t events)
{
	struct flow *w = CONTAINER(watch, struct flow, guest.w);
	ssize_t n = 0;

	if (events & EPOLLOUT)
		n = fifo_write(&w->out, watch->fd);
	if (n >= 0 || n == -EAGAIN)
		n = events & ~(uint32_t)EPOLLOUT ? hear_guest(w) : 0;
	if (n < 0 || settle(w) < 0)
		end(w);
}

static void dialled(struct dialling *x, int fd, const struct err *why)
{
	struct flow *w = CONTAINER(x, struct flow, dialling);

	if (fd < 0) {
		forward_missed(w->forward, x->is_refused, why);
		end(w);
		return;
	}
	end_open(&w->guest, fd);
	if (settle(w) < 0)
		end(w);
}

/* --- from the client --- */

static struct flow *find(struct flows *s, const struct forward *f, const struct hostaddr *client)
{
	for (unsigned i = 0; i < FLOWS_MAX; i++) {
		struct flow *w = &s->place[i].flow;

		if (w->all && w->forward == f && hostaddr_same(&w->client, client))
			return w;
	}
	return NULL;
}

/* A free place; or that of the flow which was silent for longest. */
static struct flow *make_room(struct flows *s)
{
	struct flow *silent = NULL;

	for (unsigned i = 0; i < FLOWS_MAX; i++) {
		struct flow *w = &s->place[i].flow;

		if (!w->all)
			return w;
		if (!silent || w->heard_ms < silent->heard_ms)
			silent = w;
	}
	end(silent);
	return silent;
}

/* NULL when nothing is dialled any more. */
static struct flow *begin(struct flows *s, struct forward *f, const struct hostaddr *client)
{
	struct flow *w = make_room(s);
	struct flow_place *place = CONTAINER(w, struct flow_place, flow);

	if (dialler_dial(s->dialler, &w->dialling, &f->to, dialled) < 0)
		return NULL;
	w->all = s;
	w->forward = f;
	w->client = *client;
	w->guest = END_INIT(s->dialler->loop, guest_ready);
	w->idle.due = idle_due;
	inbox_init(&w->in, place->in, sizeof(place->in));
	fifo_init(&w->out, place->out, sizeof(place->out));
	loop_after(s->dialler->loop, &w->idle, s->idle_ms);
	f->open++;
	f->taken++;
	return w;
}

/* While there is no guest's end the frames wait for it. */
static int pass(struct flow *w, const void *data, size_t len)
{
	int waits = w->guest.w.fd < 0;

	w->heard_ms = clock_ms();
	if ((waits || w->out.len > 0) && fifo_room(&w->out) < FRAME_HEADER + len) {
		w->forward->dropped++;
		return 0;
	}
	if (waits)
		return frame_put(&w->out, FRAME_DATAGRAM, data, len);
	return frame_post(&w->out, w->guest.w.fd, FRAME_DATAGRAM, data, len);
}

void flows_take(struct flows *s, struct forward *f)
{
	for (int i = 0; i < BURST; i++) {
		struct hostaddr client = { 0 };
		socklen_t len = sizeof(client);
		ssize_t n = recvfrom(f->datagrams.w.fd, s->chunk, sizeof(s->chunk),
				     MSG_DONTWAIT | MSG_TRUNC, &client.any, &len);
		struct flow *w;

		if (n < 0)
			return;
		w = find(s, f, &client);
		if (!w)
			w = begin(s, f, &client);
		if (!w || n > (ssize_t)sizeof(s->chunk))
			f->dropped++; /* IPv6 takes 20 bytes more than anybody sends */
		else if (pass(w, s->chunk, (size_t)n) < 0 || settle(w) < 0)
			end(w);
	}
}

/* --- the whole --- */

void flows_end(struct flows *s, const struct forward *f)
{
	for (unsigned i = 0; i < FLOWS_MAX; i++)
		if (s->place[i].flow.all && s->place[i].flow.forward == f)
			end(&s->place[i].flow);
}

struct flows *flows_open(struct dialler *d, unsigned idle_ms)
{
	struct flows *s = sparse_map(sizeof(*s));

	if (!s)
		return NULL;
	s->dialler = d;
	s->idle_ms = idle_ms ? idle_ms : IDLE_MS;
	return s;
}

void flows_close(struct flows *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < FLOWS_MAX; i++)
		if (s->place[i].flow.all)
			end(&s->place[i].flow);
	munmap(s, sizeof(*s));
}
