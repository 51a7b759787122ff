/*
 * vsockd - the host end of the socket device: unix sockets in Firecracker's dialect.
 */
#include "vmm/vsockd.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
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

static int host_dial(struct vsock_host *h, unsigned conn, uint32_t port, enum vsock_type type)
{
	struct vsockd *d = of(h);
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s_%" PRIu32, d->path, port) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = type == VSOCK_STREAM ? unix_connect(path, 1) : unix_connect_messages(path, 1);
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

/* A message of no bytes reads like the end. It is the end if the peer sends no more and nothing lies
 * there. 1: nothing but the end; 0: more may come, which the loop will tell; -1: more lies there. */
static int is_end(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	int left = 0;

	if (poll(&p, 1, 0) < 1)
		return 0;
	return ioctl(fd, FIONREAD, &left) == 0 && left > 0 ? -1 : 1;
}

static ssize_t host_receive(struct vsock_host *h, unsigned conn, void *buf, size_t room)
{
	int fd = of(h)->link[conn].watch.fd, end = -1;
	ssize_t got;

	do {
		/* A peer that closes with messages unread resets us, once, before what it sent. */
		do
			got = recv(fd, buf, room, MSG_TRUNC | MSG_DONTWAIT);
		while (got < 0 && (errno == EINTR || errno == ECONNRESET));
		if (got < 0)
			return -errno;
	} while (got == 0 && (end = is_end(fd)) < 0);
	return got == 0 && !end ? -EAGAIN : got;
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
	loop_cancel(c->door->d->loop, &c->late);
	fd_close(&c->watch.fd);
	listener_release(&c->door->listener);
}

/* Takes the line off the socket when it is whole, and not a byte more: what follows belongs to
 * the guest. A message is the line or none. Its length without the newline, 0 while it is not whole, or
 * negative. */
static int take_line(int fd, char line[VSOCKD_LINE + 1], enum vsock_type type)
{
	ssize_t n = recv(fd, line, VSOCKD_LINE, MSG_PEEK | MSG_DONTWAIT);
	char *end;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	end = memchr(line, '\n', (size_t)n);
	if (type == VSOCK_SEQPACKET && end != line + n - 1)
		return -EPROTO;
	if (!end)
		return n == 0 || n == VSOCKD_LINE ? -EPROTO : 0;
	n = end - line;
	(void)!recv(fd, line, (size_t)n + 1, MSG_DONTWAIT);
	line[n] = '\0';
	return n == 0 ? -EPROTO : (int)n;
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
	enum vsock_type type = c->door->type;
	struct vsockd *d = c->door->d;
	char line[VSOCKD_LINE + 1];
	uint32_t port;
	int rc, conn, fd;

	(void)events; /* a hang-up shows up as the end of the stream */
	rc = take_line(w->fd, line, type);
	if (rc == 0)
		return;
	loop_del(d->loop, w);
	conn = rc > 0 && parse_connect(line, &port) == 0 ? vsock_reserve(d->vsock, port, type) :
							   -EPROTO;
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

	loop_del(c->door->d->loop, &c->watch);
	dial_end(c);
}

static void accepted(struct listener *l, int fd)
{
	struct vsockd_door *door = CONTAINER(l, struct vsockd_door, listener);
	struct vsockd_dial *c = door->dial;

	while (c->watch.fd >= 0)
		c++; /* the listener counts: one is free */
	c->watch.fd = fd;
	/* Edge-triggered: half a line stays unread, and would be reported for ever. */
	if (loop_add(door->d->loop, &c->watch, EPOLLIN | EPOLLET) < 0)
		dial_end(c);
	else
		loop_after(door->d->loop, &c->late, VSOCKD_DIAL_MS);
}

static void door_init(struct vsockd_door *door, struct vsockd *d, enum vsock_type type, int fd)
{
	*door = (struct vsockd_door){ .d = d, .type = type, .fd = fd };
	for (unsigned i = 0; i < VSOCKD_DIALS; i++)
		door->dial[i] = (struct vsockd_dial){ .door = door,
						      .watch = { -1, dial_ready },
						      .late.due = dial_late };
}

static int door_open(struct vsockd_door *door)
{
	return listener_open(&door->listener, door->d->loop, door->fd, VSOCKD_DIALS, accepted);
}

/* What a socket takes that nobody has asked for more (unix_dgram_sendmsg() in Linux, net/unix/af_unix.c):
 * a guest is told by its credit, beyond which its own send(2) fails. */
static size_t longest_message(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), room = 0;
	socklen_t len = sizeof(room);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len) < 0 || room < 64)
		room = 64;
	fd_close(&fd);
	return (size_t)room - 32;
}

void vsockd_init(struct vsockd *d, struct vsock *v, struct loop *l, int streams_fd, int messages_fd,
		 const char *path)
{
	*d = (struct vsockd){
		.host = { longest_message(), host_dial, host_accepted, host_write, host_read,
			  host_receive, host_shut, host_want, host_after, host_close },
		.vsock = v,
		.loop = l,
		.path = path,
	};
	door_init(&d->streams, d, VSOCK_STREAM, streams_fd);
	door_init(&d->messages, d, VSOCK_SEQPACKET, messages_fd);
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		d->link[i] = (struct vsockd_link){ .d = d,
						   .watch = { -1, link_ready },
						   .timer.due = link_late };
}

int vsockd_start(struct vsockd *d)
{
	int rc = door_open(&d->streams);

	return rc < 0 ? rc : door_open(&d->messages);
}
