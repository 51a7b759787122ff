/*
 * vsockd - the host end of the socket device: unix sockets in Firecracker's dialect.
 */
#include "vmm/vsockd.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

/* Not in the loop any more: its peer has hung up, which epoll would report for ever. */
#define LINK_DEAF UINT32_MAX

/* --- connections ---------------------------------------------------------------------------- */

static struct vsockd *of(struct vsock_host *h)
{
	return CONTAINER(h, struct vsockd, host);
}

static void link_ready(struct watch *w, uint32_t events)
{
	struct vsockd_link *l = CONTAINER(w, struct vsockd_link, watch);
	struct vsockd *d = l->d;
	unsigned conn = (unsigned)(l - d->link);

	/* The peer is gone for good. What it sent can still be read, without being told of it. */
	if (events & (EPOLLHUP | EPOLLERR)) {
		loop_del(d->loop, w);
		l->events = LINK_DEAF;
		vsock_hung_up(d->vsock, conn);
		return;
	}
	if (events & EPOLLOUT)
		vsock_writable(d->vsock, conn);
	/* The write may have ended it. */
	if (events & EPOLLIN && l->watch.fd >= 0)
		vsock_readable(d->vsock, conn);
}

static void link_late(struct timer *t)
{
	struct vsockd_link *l = CONTAINER(t, struct vsockd_link, timer);

	vsock_timeout(l->d->vsock, (unsigned)(l - l->d->link));
}

/* The socket is the connection's from here on, also when this fails: host_close() closes it. */
static int link_open(struct vsockd *d, unsigned conn, int fd)
{
	struct vsockd_link *l = &d->link[conn];

	l->watch.fd = fd;
	l->events = 0;
	return loop_add(d->loop, &l->watch, 0);
}

static int host_dial(struct vsock_host *h, unsigned conn, uint32_t port)
{
	struct vsockd *d = of(h);
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s_%" PRIu32, d->path, port) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = unix_connect(path, 1);
	if (fd < 0)
		return fd;
	return link_open(d, conn, fd);
}

static void host_accepted(struct vsock_host *h, unsigned conn, uint32_t host_port)
{
	struct vsockd_link *l = &of(h)->link[conn];
	char line[VSOCKD_LINE];
	int len = snprintf(line, sizeof(line), "OK %" PRIu32 "\n", host_port);

	/* The first bytes into an empty socket buffer always fit; if the client has left, the next
	 * event says so. */
	(void)fd_write(l->watch.fd, line, (size_t)len);
}

static ssize_t host_write(struct vsock_host *h, unsigned conn, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	ssize_t done;

	do
		done = sendmsg(of(h)->link[conn].watch.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

static ssize_t host_read(struct vsock_host *h, unsigned conn, const struct iovec *iov, int n)
{
	ssize_t got;

	do
		got = readv(of(h)->link[conn].watch.fd, iov, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static void host_shut(struct vsock_host *h, unsigned conn, int how)
{
	shutdown(of(h)->link[conn].watch.fd, how);
}

static void host_want(struct vsock_host *h, unsigned conn, int in, int out)
{
	struct vsockd_link *l = &of(h)->link[conn];
	uint32_t events = (in ? EPOLLIN : 0) | (out ? EPOLLOUT : 0);

	if (l->watch.fd < 0 || l->events == LINK_DEAF || l->events == events)
		return;
	l->events = events;
	loop_mod(l->d->loop, &l->watch, events);
}

static void host_after(struct vsock_host *h, unsigned conn, unsigned ms)
{
	struct vsockd_link *l = &of(h)->link[conn];

	if (ms)
		loop_after(l->d->loop, &l->timer, ms);
	else
		loop_cancel(l->d->loop, &l->timer);
}

static void host_close(struct vsock_host *h, unsigned conn)
{
	struct vsockd_link *l = &of(h)->link[conn];

	loop_cancel(l->d->loop, &l->timer);
	if (l->events != LINK_DEAF)
		loop_del(l->d->loop, &l->watch);
	fd_close(&l->watch.fd);
}

/* --- clients that say where they want to go -------------------------------------------------- */

/* The slot is free again; the socket stays open if it was handed on (fd -1 then). */
static void dial_end(struct vsockd_dial *c)
{
	loop_cancel(c->d->loop, &c->late);
	fd_close(&c->watch.fd);
	listener_release(&c->d->listener);
}

/* Takes the line off the socket when it is whole, and not a byte more: what follows belongs to
 * the guest. Its length without the newline, 0 while it is not whole, or negative. */
static int take_line(int fd, char line[VSOCKD_LINE + 1])
{
	ssize_t n = recv(fd, line, VSOCKD_LINE, MSG_PEEK | MSG_DONTWAIT);
	char *end;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	end = memchr(line, '\n', (size_t)n);
	if (!end)
		return n == 0 || n == VSOCKD_LINE ? -EPROTO : 0;
	n = end - line;
	(void)!recv(fd, line, (size_t)n + 1, MSG_DONTWAIT);
	line[n] = '\0';
	return (int)n;
}

static int parse_connect(const char *line, uint32_t *port)
{
	static const char word[] = "CONNECT ";
	unsigned long long v;
	char *end;

	if (strncasecmp(line, word, sizeof(word) - 1))
		return -EPROTO;
	line += sizeof(word) - 1;
	if (*line < '0' || *line > '9')
		return -EPROTO;
	v = strtoull(line, &end, 10);
	if (*end || v > UINT32_MAX)
		return -EPROTO;
	*port = (uint32_t)v;
	return 0;
}

static void dial_ready(struct watch *w, uint32_t events)
{
	struct vsockd_dial *c = CONTAINER(w, struct vsockd_dial, watch);
	struct vsockd *d = c->d;
	char line[VSOCKD_LINE + 1];
	uint32_t port;
	int rc, conn, fd;

	(void)events; /* a hang-up shows up as the end of the stream */
	rc = take_line(w->fd, line);
	if (rc == 0)
		return;
	loop_del(d->loop, w);
	conn = rc > 0 && parse_connect(line, &port) == 0 ? vsock_reserve(d->vsock, port) : -EPROTO;
	if (conn >= 0) {
		fd = w->fd;
		w->fd = -1; /* the connection's now */
		rc = link_open(d, (unsigned)conn, fd);
	}
	dial_end(c);
	if (conn >= 0 && rc >= 0)
		vsock_dial(d->vsock, (unsigned)conn);
	else if (conn >= 0)
		vsock_timeout(d->vsock, (unsigned)conn);
}

static void dial_late(struct timer *t)
{
	struct vsockd_dial *c = CONTAINER(t, struct vsockd_dial, late);

	loop_del(c->d->loop, &c->watch);
	dial_end(c);
}

static void accepted(struct listener *l, int fd)
{
	struct vsockd *d = CONTAINER(l, struct vsockd, listener);
	struct vsockd_dial *c = d->dial;

	while (c->watch.fd >= 0)
		c++; /* the listener counts: one is free */
	c->watch.fd = fd;
	/* Edge-triggered: half a line stays unread, and would be reported for ever. */
	if (loop_add(d->loop, &c->watch, EPOLLIN | EPOLLET) < 0)
		dial_end(c);
	else
		loop_after(d->loop, &c->late, VSOCKD_DIAL_MS);
}

void vsockd_init(struct vsockd *d, struct vsock *v, struct loop *l, int listen_fd, const char *path)
{
	*d = (struct vsockd){
		.host = { host_dial, host_accepted, host_write, host_read, host_shut, host_want,
			  host_after, host_close },
		.vsock = v,
		.loop = l,
		.path = path,
		.listen_fd = listen_fd,
	};
	for (unsigned i = 0; i < VSOCKD_DIALS; i++)
		d->dial[i] = (struct vsockd_dial){ .d = d,
						   .watch = { -1, dial_ready },
						   .late.due = dial_late };
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		d->link[i] = (struct vsockd_link){ .d = d,
						   .watch = { -1, link_ready },
						   .timer.due = link_late };
}

int vsockd_start(struct vsockd *d)
{
	return listener_open(&d->listener, d->loop, d->listen_fd, VSOCKD_DIALS, accepted);
}
