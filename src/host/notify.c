/*
 * notify - what a guest's systemd says of its boot.
 */
#include "host/notify.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/text.h"

/* The guest's boot waits for our close: it is given when the message is whole, or after this. */
enum { LATE_MS = 50 };

/* The value, when the line is of that key; or NULL. */
static const char *value_of(const char *line, size_t len, const char *key, size_t *value_len)
{
	size_t n = strlen(key);

	if (len < n || memcmp(line, key, n) != 0)
		return NULL;
	*value_len = len - n;
	return line + n;
}

static void take_line(struct notify_words *w, const char *line, size_t len)
{
	size_t n;
	const char *v = value_of(line, len, "READY=", &n);

	if (v && n == 1 && *v == '1')
		w->is_ready = 1;
	v = value_of(line, len, "X_SYSTEMD_UNIT_ACTIVE=", &n);
	if (v)
		text_clean(w->unit, sizeof(w->unit), v, n);
	v = value_of(line, len, "STATUS=", &n);
	if (v)
		text_clean(w->status, sizeof(w->status), v, n);
}

void notify_parse(struct notify_words *w, const void *data, size_t len)
{
	const char *at = data, *end = at + len;

	*w = (struct notify_words){ .is_ready = 0 };
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (!stop)
			stop = end;
		take_line(w, at, (size_t)(stop - at));
		at = stop + 1;
	}
}

static void conn_close(struct notify_conn *c)
{
	struct notify *n = c->notify;

	loop_cancel(n->loop, &c->late);
	loop_del(n->loop, &c->peer);
	fd_close(&c->peer.fd);
	listener_release(&n->listener);
}

/* The close comes first: nothing that we do with a message may keep the guest waiting. */
static void conn_over(struct notify_conn *c)
{
	struct notify *n = c->notify;
	struct notify_words w;

	notify_parse(&w, c->text, c->have);
	conn_close(c);
	n->said(n, &w);
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct notify_conn *c = CONTAINER(w, struct notify_conn, peer);
	ssize_t n;

	(void)events; /* a hang-up shows up as the end of the stream */
	n = fd_read(w->fd, c->text + c->have, sizeof(c->text) - c->have);
	if (n == -EAGAIN)
		return;
	if (n > 0)
		c->have += (size_t)n;
	if (n <= 0 || c->have == sizeof(c->text))
		conn_over(c);
}

static void late_due(struct timer *t)
{
	conn_over(CONTAINER(t, struct notify_conn, late));
}

static void accepted(struct listener *l, int fd)
{
	struct notify *n = CONTAINER(l, struct notify, listener);
	struct notify_conn *c = n->conns;

	while (c->peer.fd >= 0)
		c++; /* the listener counts: one is free */
	c->peer.fd = fd;
	c->have = 0;
	if (loop_add(n->loop, &c->peer, EPOLLIN) < 0)
		conn_close(c);
	else
		loop_after(n->loop, &c->late, LATE_MS);
}

int notify_start(struct notify *n, struct loop *l, int listen_fd,
		 void (*said)(struct notify *n, const struct notify_words *w))
{
	*n = (struct notify){ .loop = l, .said = said };
	for (int i = 0; i < NOTIFY_CONNS; i++) {
		n->conns[i].notify = n;
		n->conns[i].peer = (struct watch){ -1, peer_ready };
		n->conns[i].late = (struct timer){ .due = late_due };
	}
	return listener_open(&n->listener, l, listen_fd, NOTIFY_CONNS, accepted);
}

void notify_stop(struct notify *n)
{
	if (n->listener.w.fd < 0)
		return;
	for (int i = 0; i < NOTIFY_CONNS; i++)
		if (n->conns[i].peer.fd >= 0)
			conn_close(&n->conns[i]);
	listener_close(&n->listener);
}
