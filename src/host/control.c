/*
 * control - agent.sock: JSON lines, a request and its answer each.
 */
#include "host/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/util.h"

enum {
	SILENCE_MS = 10000,
	STEPS_AT_ONCE = 256, /* of a stream, before others have a turn */
};

static void drop(struct client *c)
{
	struct control *k = c->control;

	loop_cancel(k->loop, &c->silent);
	loop_del(k->loop, &c->peer);
	fd_close(&c->peer.fd);
	eventstream_close(c->stream);
	c->stream = NULL;
	listener_release(&k->listener);
}

void client_answer(struct client *c, json_t *answer)
{
	char line[CONTROL_ANSWER_MAX];
	size_t n = json_dumpb(answer, line, sizeof(line) - 1, JSON_COMPACT);

	json_decref(answer);
	if (n > 0 && n < sizeof(line)) {
		line[n++] = '\n';
		if (fd_write(c->peer.fd, line, n) == (ssize_t)n)
			return;
	}
	drop(c); /* it does not read: what it gets must not depend on how much fits */
}

void client_waits(struct client *c)
{
	client_waits_for(c, 1);
}

void client_waits_for(struct client *c, int what)
{
	c->waits = what;
	loop_cancel(c->control->loop, &c->silent);
}

/* Sends until nothing is left or the socket is full. What is left after so many steps is sent when
 * the loop comes by again. */
static void pump(struct client *c)
{
	struct loop *l = c->control->loop;
	int rc = 1, sent = 0;

	for (int i = 0; rc > 0 && i < STEPS_AT_ONCE; i++) {
		rc = eventstream_step(c->stream, c->peer.fd);
		sent |= rc > 0;
	}
	if ((rc < 0 && rc != -EAGAIN) || (rc == 0 && !c->stream->follow)) {
		drop(c);
		return;
	}
	loop_mod(l, &c->peer, (c->is_deaf ? 0 : EPOLLIN) | (rc ? EPOLLOUT : 0));
	if (rc == 0)
		loop_cancel(l, &c->silent); /* it has all there is */
	else if (sent || c->silent.at_ms == 0)
		loop_after(l, &c->silent, SILENCE_MS);
}

void client_stream(struct client *c, struct eventstream *s)
{
	if (c->peer.fd < 0) { /* it did not take the answer before */
		eventstream_close(s);
		return;
	}
	c->stream = s;
	loop_cancel(c->control->loop, &c->silent);
	pump(c);
}

void control_events(struct control *k)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (k->clients[i].stream)
			pump(&k->clients[i]);
}

/* It may close its side for good, or only for writing; there is nothing more to say on it. */
static void stream_ready(struct client *c, uint32_t events)
{
	char ignored[64];
	ssize_t n = events & EPOLLIN && !c->is_deaf ? fd_read(c->peer.fd, ignored, sizeof(ignored))
						    : -EAGAIN;

	c->is_deaf |= n == 0;
	if (events & (EPOLLHUP | EPOLLERR) || n > 0 || (n < 0 && n != -EAGAIN))
		drop(c);
	else
		pump(c);
}

static void take_line(struct client *c, const char *line, size_t len)
{
	json_t *request = json_loadb(line, len, 0, NULL);

	if (json_is_object(request))
		c->control->request(c, request);
	else
		client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error", "not a JSON object"));
	json_decref(request);
}

/* All whole lines; the rest moves to the front. */
static void take_lines(struct client *c)
{
	char *end;

	while (c->peer.fd >= 0 && !c->stream && (end = memchr(c->line, '\n', c->have))) {
		char line[CONTROL_LINE_MAX];
		size_t len = (size_t)(end - c->line);

		memcpy(line, c->line, len);
		c->have -= len + 1;
		memmove(c->line, end + 1, c->have);
		loop_after(c->control->loop, &c->silent, SILENCE_MS);
		take_line(c, line, len);
	}
	if (c->peer.fd >= 0 && c->have == sizeof(c->line))
		drop(c); /* longer than any request */
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct client *c = CONTAINER(w, struct client, peer);
	ssize_t n;

	if (c->stream) {
		stream_ready(c, events);
		return;
	}
	/* A hang-up shows up as the end of the stream. */
	n = fd_read(w->fd, c->line + c->have, sizeof(c->line) - c->have);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->have += (size_t)n;
	take_lines(c);
}

static void silent_due(struct timer *t)
{
	drop(CONTAINER(t, struct client, silent));
}

static void accepted(struct listener *l, int fd)
{
	struct control *k = CONTAINER(l, struct control, listener);
	struct client *c = k->clients;

	while (c->peer.fd >= 0)
		c++; /* the listener counts: one is free */
	c->peer.fd = fd;
	c->have = 0;
	c->waits = c->is_deaf = 0;
	if (loop_add(k->loop, &c->peer, EPOLLIN) < 0)
		drop(c);
	else
		loop_after(k->loop, &c->silent, SILENCE_MS);
}

int control_start(struct control *k, struct loop *l, int listen_fd,
		  void (*request)(struct client *c, const json_t *request))
{
	*k = (struct control){
		.loop = l,
		.request = request,
	};
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		k->clients[i].control = k;
		k->clients[i].peer = (struct watch){ -1, peer_ready };
		k->clients[i].silent = (struct timer){ .due = silent_due };
	}
	return listener_open(&k->listener, l, listen_fd, CONTROL_CLIENTS, accepted);
}

void control_tell_waiting(struct control *k, json_t *answer)
{
	for (int i = 0; i < CONTROL_CLIENTS && k->listener.w.fd >= 0; i++)
		if (k->clients[i].peer.fd >= 0 && k->clients[i].waits)
			client_answer(&k->clients[i], json_incref(answer));
	json_decref(answer);
}

void control_tell(struct control *k, int what, json_t *answer)
{
	for (int i = 0; i < CONTROL_CLIENTS && k->listener.w.fd >= 0; i++) {
		struct client *c = &k->clients[i];

		if (c->peer.fd < 0 || c->waits != what)
			continue;
		c->waits = 0;
		loop_after(k->loop, &c->silent, SILENCE_MS);
		client_answer(c, json_incref(answer));
	}
	json_decref(answer);
}

void control_stop(struct control *k)
{
	if (k->listener.w.fd < 0)
		return;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (k->clients[i].peer.fd >= 0)
			drop(&k->clients[i]);
	listener_close(&k->listener);
}
