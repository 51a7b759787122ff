/*
 * beacon - the host's end of what the guest says of itself (proto/ready.h).
 */
#include "host/beacon.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/text.h"

static int conns_free(const struct beacon *b)
{
	int count = 0;

	for (int i = 0; i < BEACON_CONNS; i++)
		count += b->conns[i].peer.fd < 0;
	return count;
}

static void conn_close(struct beacon_conn *c)
{
	struct beacon *b = c->b;

	if (conns_free(b) == 0)
		loop_mod(b->loop, &b->listen, EPOLLIN); /* there is room again */
	loop_del(b->loop, &c->peer);
	fd_close(&c->peer.fd);
}

static int take_hello(struct beacon_conn *c, const struct frame *f)
{
	struct beacon_news news = { .type = FRAME_HELLO };
	struct beacon *b = c->b;
	struct beacon_hello hello;

	if (f->type != FRAME_HELLO || beacon_hello_decode(&hello, f->data, f->len) < 0)
		return -EPROTO;
	if (strcmp(hello.boot, b->boot) != 0)
		return -EACCES;
	if (hello.protocol != PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	if (b->heard)
		return -EEXIST;
	b->heard = 1;
	b->speaker = c;
	b->said(b, &news);
	return 0;
}

static int take_stage(struct beacon *b, const struct frame *f)
{
	struct beacon_news news = { .type = FRAME_STAGE };
	char name[STAGE_NAME_MAX], detail[STAGE_DETAIL_MAX];
	struct beacon_stage *s = &news.stage;

	if (beacon_stage_decode(s, f->data, f->len) < 0)
		return -EPROTO;
	if (++b->stages > BEACON_STAGES_MAX)
		return 0;
	s->name = text_clean(name, sizeof(name), s->name, strlen(s->name));
	s->detail = text_clean(detail, sizeof(detail), s->detail, strlen(s->detail));
	b->said(b, &news);
	return 0;
}

static int take_main_exit(struct beacon_conn *c, const struct frame *f)
{
	struct beacon_news news = { .type = FRAME_MAIN_EXIT };
	struct beacon *b = c->b;

	if (exec_status_decode(&news.status, f->data, f->len) < 0)
		return -EPROTO;
	b->said(b, &news);
	/* The guest waits for this before it lets the power go. */
	return frame_send(c->peer.fd, FRAME_ACK, NULL, 0);
}

static int take_ready(struct beacon *b)
{
	struct beacon_news news = { .type = FRAME_READY };

	b->said(b, &news);
	return 0;
}

static int take_frame(struct beacon_conn *c, const struct frame *f)
{
	if (c->b->speaker != c)
		return take_hello(c, f);
	switch (f->type) {
	case FRAME_STAGE:
		return take_stage(c->b, f);
	case FRAME_READY:
		return take_ready(c->b);
	case FRAME_MAIN_EXIT:
		return take_main_exit(c, f);
	}
	return -EPROTO;
}

static void conn_lost(struct beacon_conn *c, int why)
{
	static const struct beacon_news lost = { .type = 0 };
	struct beacon *b = c->b;
	int was_speaker = b->speaker == c;

	if (why != 0)
		log_debug("beacon: a connection was refused why=%s", strerror(-why));
	if (was_speaker)
		b->speaker = NULL;
	conn_close(c);
	if (was_speaker)
		b->said(b, &lost);
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct beacon_conn *c = CONTAINER(w, struct beacon_conn, peer);
	struct frame f;
	ssize_t n;
	int rc;

	(void)events; /* a hang-up shows up as the end of the stream */
	n = inbox_fill(&c->in, w->fd);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		conn_lost(c, (int)n);
		return;
	}
	while ((rc = frame_next(&c->in, &f)) > 0 && (rc = take_frame(c, &f)) >= 0)
		;
	if (rc < 0)
		conn_lost(c, rc);
}

static void listen_ready(struct watch *w, uint32_t events)
{
	struct beacon *b = CONTAINER(w, struct beacon, listen);
	struct beacon_conn *c = b->conns;
	int fd;

	(void)events;
	while (c->peer.fd >= 0)
		c++; /* there is a free one, or we would not be listening */
	fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	c->peer.fd = fd;
	inbox_init(&c->in, c->mem, sizeof(c->mem));
	if (loop_add(b->loop, &c->peer, EPOLLIN) < 0)
		fd_close(&c->peer.fd);
	else if (conns_free(b) == 0)
		loop_mod(b->loop, &b->listen, 0);
}

int beacon_start(struct beacon *b, struct loop *l, int listen_fd, const char *boot,
		 void (*said)(struct beacon *b, const struct beacon_news *news))
{
	*b = (struct beacon){
		.loop = l,
		.boot = boot,
		.listen = { listen_fd, listen_ready },
		.said = said,
	};
	for (int i = 0; i < BEACON_CONNS; i++) {
		b->conns[i].b = b;
		b->conns[i].peer = (struct watch){ -1, peer_ready };
	}
	return loop_add(l, &b->listen, EPOLLIN);
}

void beacon_stop(struct beacon *b)
{
	if (b->listen.fd < 0)
		return;
	b->speaker = NULL;
	for (int i = 0; i < BEACON_CONNS; i++)
		if (b->conns[i].peer.fd >= 0)
			conn_close(&b->conns[i]);
	loop_del(b->loop, &b->listen);
	fd_close(&b->listen.fd);
}
