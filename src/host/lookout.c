/*
 * lookout - the host's end of what the guest says of itself (proto/ready.h).
 */
#include "host/lookout.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/text.h"

static void conn_close(struct lookout_conn *c)
{
	struct lookout *o = c->lookout;

	loop_cancel(o->loop, &c->mute);
	loop_del(o->loop, &c->peer);
	fd_close(&c->peer.fd);
	listener_release(&o->listener);
}

static int take_hello(struct lookout_conn *c, const struct frame *f)
{
	struct lookout_news news = { .type = FRAME_HELLO };
	struct lookout *o = c->lookout;
	struct beacon_hello hello;

	if (f->type != FRAME_HELLO || beacon_hello_decode(&hello, f->data, f->len) < 0)
		return -EPROTO;
	if (strcmp(hello.boot, o->boot) != 0)
		return -EACCES;
	if (hello.protocol != PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	if (o->speaker)
		return -EEXIST;
	if (++o->hellos > LOOKOUT_HELLOS_MAX)
		return -EDQUOT;
	loop_cancel(o->loop, &c->mute);
	o->speaker = c;
	o->said(o, &news);
	return 0;
}

static int take_stage(struct lookout *o, const struct frame *f)
{
	struct lookout_news news = { .type = FRAME_STAGE };
	char name[STAGE_NAME_MAX], detail[STAGE_DETAIL_MAX];
	struct beacon_stage *s = &news.stage;

	if (beacon_stage_decode(s, f->data, f->len) < 0)
		return -EPROTO;
	if (++o->stages > LOOKOUT_STAGES_MAX)
		return 0;
	s->name = text_clean(name, sizeof(name), s->name, strlen(s->name));
	s->detail = text_clean(detail, sizeof(detail), s->detail, strlen(s->detail));
	o->said(o, &news);
	return 0;
}

static int take_main_exit(struct lookout_conn *c, const struct frame *f)
{
	struct lookout_news news = { .type = FRAME_MAIN_EXIT };
	struct lookout *o = c->lookout;

	if (exec_status_decode(&news.status, f->data, f->len) < 0)
		return -EPROTO;
	/* The guest waits for this before it lets the power go: so it is kept first. */
	if (o->said(o, &news) != 0)
		return 0;
	return frame_send(c->peer.fd, FRAME_ACK, NULL, 0);
}

static int take_ready(struct lookout *o)
{
	struct lookout_news news = { .type = FRAME_READY };

	o->said(o, &news);
	return 0;
}

static int take_frame(struct lookout_conn *c, const struct frame *f)
{
	if (c->lookout->speaker != c)
		return take_hello(c, f);
	switch (f->type) {
	case FRAME_STAGE:
		return take_stage(c->lookout, f);
	case FRAME_READY:
		return take_ready(c->lookout);
	case FRAME_MAIN_EXIT:
		return take_main_exit(c, f);
	}
	return -EPROTO;
}

static void conn_lost(struct lookout_conn *c, int why)
{
	static const struct lookout_news lost = { .type = 0 };
	struct lookout *o = c->lookout;
	int was_speaker = o->speaker == c;

	if (why != 0)
		log_debug("beacon: a connection was refused why=%s", strerror(-why));
	if (was_speaker)
		o->speaker = NULL;
	conn_close(c);
	if (was_speaker)
		o->said(o, &lost);
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct lookout_conn *c = CONTAINER(w, struct lookout_conn, peer);
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

/* There are few places, and anybody in the guest may take one: not for good, or the beacon that comes
 * back would find none. */
static void mute_due(struct timer *t)
{
	conn_lost(CONTAINER(t, struct lookout_conn, mute), -ETIMEDOUT);
}

static void accepted(struct listener *l, int fd)
{
	struct lookout *o = CONTAINER(l, struct lookout, listener);
	struct lookout_conn *c = o->conns;

	while (c->peer.fd >= 0)
		c++; /* the listener counts: one is free */
	c->peer.fd = fd;
	inbox_init(&c->in, c->mem, sizeof(c->mem));
	loop_after(o->loop, &c->mute, o->hello_ms);
	if (loop_add(o->loop, &c->peer, EPOLLIN) < 0)
		conn_close(c);
}

int lookout_start(struct lookout *o, struct loop *l, int listen_fd, const char *boot,
		  int (*said)(struct lookout *o, const struct lookout_news *news))
{
	*o = (struct lookout){
		.loop = l,
		.boot = boot,
		.said = said,
		.hello_ms = LOOKOUT_HELLO_MS,
	};
	for (int i = 0; i < LOOKOUT_CONNS; i++) {
		o->conns[i].lookout = o;
		o->conns[i].peer = (struct watch){ -1, peer_ready };
		o->conns[i].mute = (struct timer){ .due = mute_due };
	}
	return listener_open(&o->listener, l, listen_fd, LOOKOUT_CONNS, accepted);
}

void lookout_stop(struct lookout *o)
{
	if (o->listener.w.fd < 0)
		return;
	o->speaker = NULL;
	for (int i = 0; i < LOOKOUT_CONNS; i++)
		if (o->conns[i].peer.fd >= 0)
			conn_close(&o->conns[i]);
	listener_close(&o->listener);
}
