/*
 * consoled - who is at the console: local clients of a unix socket, or one connection.
 */
#include "vmm/consoled.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/util.h"

enum { NOTE_ROOM = 80 };

static int is_there(const struct consoled_peer *p)
{
	return p->watch.fd >= 0;
}

static void leave(struct consoled_peer *p)
{
	struct listener *l = &p->d->listener;

	if (!p->has_hung_up)
		loop_del(p->d->loop, &p->watch);
	loop_cancel(p->d->loop, &p->late);
	fd_close(&p->watch.fd);
	if (l->taken)
		listener_release(l);
}

static void want(struct consoled_peer *p)
{
	loop_mod(p->d->loop, &p->watch,
		 (p->has_ended || p->typed ? 0 : EPOLLIN) | (p->out.len ? EPOLLOUT : 0));
}

/* --- from the guest --- */

static void note_missed(struct consoled_peer *p)
{
	char note[NOTE_ROOM];
	int len;

	if (p->missed == 0 || fifo_room(&p->out) < NOTE_ROOM)
		return;
	len = snprintf(note, sizeof(note), "\r\n[%" PRIu64 " bytes were not read in time]\r\n",
		       p->missed);
	fifo_put(&p->out, note, (size_t)len);
	p->missed = 0;
}

static void queue(struct consoled_peer *p, const char *data, size_t len)
{
	note_missed(p);
	if (p->missed == 0)
		len -= fifo_put(&p->out, data, len);
	p->missed += len;
}

/* On any thread. */
static void leave_word(struct consoled *d)
{
	static const uint64_t one = 1;

	(void)fd_write(d->word.fd, &one, sizeof(one));
}

static void said(struct conline *c, const char *data, size_t len)
{
	struct consoled *d = CONTAINER(c->ear, struct consoled, ear);
	int somebody = 0;

	for (unsigned i = 0; i < CONSOLED_PEERS; i++)
		if (is_there(&d->peer[i]) && !d->peer[i].has_hung_up) {
			queue(&d->peer[i], data, len);
			somebody = 1;
		}
	if (somebody)
		leave_word(d);
}

/* 0, or negative when it has gone. */
static int send_queued(struct consoled_peer *p)
{
	ssize_t n;

	do
		n = fifo_write(&p->out, p->watch.fd);
	while (n > 0);
	if (n < 0 && n != -EAGAIN)
		return (int)n;
	note_missed(p);
	return 0;
}

/* --- to the guest --- */

static void type(struct consoled_peer *p)
{
	size_t n = conline_type(p->d->line, p->in, p->typed);

	p->typed -= (unsigned)n;
	memmove(p->in, p->in + n, p->typed);
}

static void hungry(struct conline *c)
{
	leave_word(CONTAINER(c->ear, struct consoled, ear));
}

/* 0, -EAGAIN, or negative when it has gone. */
static int hear(struct consoled_peer *p)
{
	ssize_t n = fd_read(p->watch.fd, p->in, sizeof(p->in));

	if (n < 0)
		return (int)n;
	p->has_ended = n == 0;
	p->typed = (unsigned)n;
	type(p);
	return 0;
}

/* --- both --- */

/* epoll would report it for ever. What it had typed is still to be read, and comes from the socket. */
static void hang_up(struct consoled_peer *p)
{
	loop_del(p->d->loop, &p->watch);
	p->has_hung_up = 1;
	fifo_drop(&p->out, p->out.len);
	loop_after(p->d->loop, &p->late, CONSOLED_LATE_MS);
}

/* The last of one that has hung up. */
static void hear_out(struct consoled_peer *p)
{
	int rc = 0;

	type(p);
	while (rc == 0 && p->typed == 0 && !p->has_ended)
		rc = hear(p);
	if (rc < 0 || p->typed == 0)
		leave(p);
}

static void late(struct timer *t)
{
	leave(CONTAINER(t, struct consoled_peer, late));
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct consoled_peer *p = CONTAINER(w, struct consoled_peer, watch);

	if (events & (EPOLLHUP | EPOLLERR)) {
		hang_up(p);
		hear_out(p);
		return;
	}
	if ((events & EPOLLIN) && p->typed == 0 && !p->has_ended)
		(void)hear(p);
	(void)send_queued(p); /* that it has gone is the next event */
	want(p);
}

static void word_left(struct watch *w, uint32_t events)
{
	struct consoled *d = CONTAINER(w, struct consoled, word);
	uint64_t count;

	(void)events;
	(void)fd_read(w->fd, &count, sizeof(count));
	consoled_drain(d);
}

int consoled_drain(struct consoled *d)
{
	int left = 0;

	for (struct consoled_peer *p = d->peer; p < d->peer + CONSOLED_PEERS; p++) {
		if (!is_there(p))
			continue;
		if (p->has_hung_up) {
			hear_out(p);
			continue;
		}
		type(p);
		(void)send_queued(p);
		want(p);
		left |= p->out.len > 0;
	}
	return left;
}

/* There is a place. */
static int come(struct consoled *d, int fd)
{
	struct consoled_peer *p = d->peer;
	int rc;

	while (is_there(p))
		p++;
	p->watch.fd = fd;
	p->has_hung_up = p->has_ended = 0;
	p->typed = 0;
	p->missed = 0;
	fifo_init(&p->out, p->queue, sizeof(p->queue));
	rc = loop_add(d->loop, &p->watch, EPOLLIN);
	if (rc < 0)
		fd_close(&p->watch.fd);
	return rc;
}

static void accepted(struct listener *l, int fd)
{
	if (come(CONTAINER(l, struct consoled, listener), fd) < 0)
		listener_release(l);
}

static int is_listening(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

int consoled_start(struct consoled *d, struct conline *c, struct loop *l, int fd)
{
	/* Field by field: a queue that is never used costs no memory. */
	d->ear = (struct conline_ear){ said, hungry };
	d->line = c;
	d->loop = l;
	for (unsigned i = 0; i < CONSOLED_PEERS; i++) {
		d->peer[i].watch = (struct watch){ -1, peer_ready };
		d->peer[i].late.due = late;
		d->peer[i].d = d;
	}
	d->word = (struct watch){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), word_left };
	if (d->word.fd < 0)
		return -errno;
	c->ear = &d->ear;
	if (loop_add(l, &d->word, EPOLLIN) < 0)
		return -ENOMEM;
	return is_listening(fd) ? listener_open(&d->listener, l, fd, CONSOLED_PEERS, accepted)
				: come(d, fd);
}
