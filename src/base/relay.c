/*
 * relay - bytes between two parties, both ways, each way ending for itself.
 *
 * Not splice(2): before Linux 6.5 a vsock takes spliced pages one by one, each as a packet of 4 KiB
 * (sock_no_sendpage in net/vmw_vsock/af_vsock.c).
 */
#include "base/relay.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/util.h"

enum { BURST = 16 };

/* --- a socket as a port --- */

static ssize_t socket_read(struct relay_port *p, void *data, size_t len)
{
	ssize_t n = recv(p->end.w.fd, data, len, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static ssize_t socket_write(struct relay_port *p, const void *data, size_t len)
{
	ssize_t n = send(p->end.w.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

static void socket_finish(struct relay_port *p)
{
	shutdown(p->end.w.fd, SHUT_WR);
}

/* Sending nothing does nothing; but a vsock whose peer reads no more says so, which no event of
 * poll(2) does (net/vmw_vsock/af_vsock.c). */
static int socket_is_gone(struct relay_port *p)
{
	ssize_t n = socket_write(p, "", 0);

	return n < 0 && n != -EAGAIN;
}

const struct relay_io relay_socket = {
	.read = socket_read,
	.write = socket_write,
	.finish = socket_finish,
	.is_gone = socket_is_gone,
};

const struct relay_io relay_stream = {
	.read = socket_read,
	.write = socket_write,
	.finish = socket_finish,
	.is_gone = socket_is_gone,
	.says_its_end = 1,
};

/* --- ways --- */

/* Its receiver takes nothing more. */
static void way_break(struct relay_way *w)
{
	fifo_drop(&w->rest, w->rest.len);
	w->ended = w->finished = 1;
}

/* Nobody reads there any more. What it sent is still passed on; if it sends nothing, it is over. */
static void port_lost(struct relay *r, const struct relay_port *p, int why)
{
	for (int i = 0; i < 2; i++) {
		struct relay_way *w = &r->way[i], *back = &r->way[!i];

		if (w->to != p || w->finished)
			continue;
		way_break(w);
		if (back->from != p)
			way_break(back);
		r->why = r->why ? r->why : why;
	}
}

/* What is not taken now; or negative when nothing ever will be. */
static ssize_t give(struct relay *r, struct relay_way *w, const void *data, size_t len)
{
	ssize_t n = w->to->io->write(w->to, data, len);

	if (n == -EAGAIN || n == -EINTR)
		n = 0;
	if (n < 0) {
		port_lost(r, w->to, (int)n);
		return n;
	}
	if (n > 0 && r->stuck.at_ms)
		loop_after(r->loop, &r->stuck, r->stuck_ms);
	return (ssize_t)len - n;
}

static void flush(struct relay *r, struct relay_way *w)
{
	struct iovec span[2];
	ssize_t left;

	if (fifo_spans(&w->rest, span) == 0)
		return;
	left = give(r, w, span[0].iov_base, span[0].iov_len);
	if (left >= 0)
		fifo_drop(&w->rest, span[0].iov_len - (size_t)left);
}

static int is_wanted(const struct relay_way *w)
{
	return !w->ended && w->rest.len == 0;
}

/* One chunk. Nonzero when there may be more, and room for it. */
static int pump(struct relay *r, struct relay_way *w)
{
	ssize_t n = w->from->io->read(w->from, r->chunk, r->chunk_len), left;

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0) {
		w->ended = 1;
		if (n < 0) {
			r->why = r->why ? r->why : (int)n;
			port_lost(r, w->from, (int)n);
		} else if (w->from->io->says_its_end && w->from->io->is_gone(w->from)) {
			port_lost(r, w->from, -ECONNRESET);
		}
		return 0;
	}
	left = give(r, w, r->chunk, (size_t)n);
	if (left > 0)
		fifo_put(&w->rest, (uint8_t *)r->chunk + n - left, (size_t)left);
	return left == 0 && (size_t)n == r->chunk_len;
}

/* What the loop's own work costs is shared by as many chunks; and nobody else waits for more. */
static void pump_on(struct relay *r, struct relay_way *w)
{
	for (int i = 0; i < BURST && is_wanted(w) && pump(r, w); i++)
		;
}

/* --- the whole --- */

/* A port of which nothing is wanted is watched for its hang-up alone, and told of it once. */
static uint32_t events_of(const struct relay *r, const struct relay_port *p)
{
	uint32_t events = 0;

	for (int i = 0; i < 2; i++) {
		const struct relay_way *w = &r->way[i];

		if (w->from == p && is_wanted(w))
			events |= EPOLLIN;
		if (w->to == p && w->rest.len > 0)
			events |= EPOLLOUT;
	}
	if (events == 0 && !p->is_gone)
		events = EPOLLRDHUP | EPOLLET;
	return events;
}

static int want(struct relay *r, struct relay_port *p)
{
	int rc = p->is_file ? 0 : end_want(&p->end, events_of(r, p));

	if (rc == -EPERM) {
		p->is_file = 1;
		rc = 0;
	}
	return rc;
}

static int want_all(struct relay *r)
{
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = want(r, r->way[i].from);
		if (rc == 0)
			rc = want(r, r->way[i].to);
	}
	return rc;
}

/* Tells receivers the end of their senders; but of a reset nobody must hear as of an end. */
static void finish_ways(struct relay *r)
{
	for (int i = 0; i < 2; i++) {
		struct relay_way *w = &r->way[i];

		if (!w->ended || w->finished || w->rest.len > 0)
			continue;
		if (!r->why)
			w->to->io->finish(w->to);
		w->is_told = !r->why;
		w->finished = 1;
	}
}

static void finish(struct relay *r, int why)
{
	relay_stop(r);
	r->over(r, why);
}

/* After every event: what is to be done at once, and what is waited for. May end it. */
static void settle(struct relay *r)
{
	int rc = want_all(r);

	for (int i = 0; i < 2; i++)
		while (r->way[i].from->is_file && is_wanted(&r->way[i]))
			pump_on(r, &r->way[i]);
	finish_ways(r);
	if (rc == 0)
		rc = want_all(r);
	if (rc < 0)
		finish(r, rc);
	else if (r->way[0].finished && r->way[1].finished)
		finish(r, r->why);
}

static void hung_up(struct relay *r, struct relay_port *p, uint32_t events)
{
	if (!(events & (EPOLLHUP | EPOLLERR)) && p->io->is_gone && !p->io->is_gone(p))
		return; /* it has ended its way, and goes on reading */
	p->is_gone = 1;
	port_lost(r, p, -ECONNRESET);
	if (r->stuck_ms)
		loop_after(r->loop, &r->stuck, r->stuck_ms);
}

static void port_ready(struct watch *watch, uint32_t events)
{
	struct relay_port *p = CONTAINER(watch, struct relay_port, end.w);
	uint32_t wanted = p->end.wanted;
	struct relay *r = p->relay;

	for (int i = 0; i < 2; i++) {
		struct relay_way *w = &r->way[i];

		if (w->to == p && w->rest.len > 0) {
			flush(r, w);
			pump_on(r, w);
		} else if (w->from == p) {
			pump_on(r, w);
		}
	}
	if (!(wanted & (EPOLLIN | EPOLLOUT)))
		hung_up(r, p, events);
	settle(r);
}

static void stuck_due(struct timer *t)
{
	struct relay *r = CONTAINER(t, struct relay, stuck);

	finish(r, r->why ? r->why : -ETIMEDOUT);
}

void relay_start(struct relay *r)
{
	r->stuck = (struct timer){ .due = stuck_due };
	r->why = 0;
	for (int i = 0; i < 2; i++) {
		struct relay_way *w = &r->way[i];

		w->ended = w->finished = w->is_told = 0;
		w->from->relay = w->to->relay = r;
		w->from->is_gone = w->to->is_gone = 0;
		w->from->end.w.ready = w->to->end.w.ready = port_ready;
	}
	for (int i = 0; i < 2; i++)
		flush(r, &r->way[i]);
	settle(r);
}

void relay_stop(struct relay *r)
{
	if (!r->loop)
		return;
	loop_cancel(r->loop, &r->stuck);
	for (int i = 0; i < 2; i++) {
		end_want(&r->way[i].from->end, 0);
		end_want(&r->way[i].to->end, 0);
	}
}
