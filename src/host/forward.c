/*
 * forward - one address of this host, and the destination in the guest that answers there.
 */
#include "host/forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/forwards.h"
#include "host/text.h"

/* One whose clients hold all they can leaves some to the others. */
enum { PLACES = TUNNELS_MAX - TUNNELS_MAX / 8 };

/* --- listening --- */

static void accepted(struct listener *l, int fd)
{
	struct forward *f = CONTAINER(l, struct forward, listener);

	f->open++;
	f->taken++;
	forwards_take(f->all, f, fd);
}

static void datagram_ready(struct watch *w, uint32_t events)
{
	struct forward *f = CONTAINER(w, struct forward, datagrams.w);

	(void)events;
	flows_take(f->all->flows, f);
}

static int watch(struct forward *f, int fd)
{
	if (!f->is_udp)
		return listener_open(&f->listener, f->all->loop, fd, PLACES, accepted);
	end_open(&f->datagrams, fd);
	return end_want(&f->datagrams, EPOLLIN);
}

int forward_open(struct forward *f, struct err *e)
{
	int fd, rc;

	f->listener = (struct listener)LISTENER_INIT;
	f->datagrams = END_INIT(f->all->loop, datagram_ready);
	f->state = FORWARD_CLOSED;
	fd = hostaddr_listen(&f->host, f->is_udp, e);
	if (fd < 0)
		return fd;
	if (hostaddr_is_unix(&f->host) && lstat(f->host.un.sun_path, &f->file) < 0)
		f->file = (struct stat){ 0 };
	rc = watch(f, fd);
	f->state = FORWARD_LISTENING;
	if (rc < 0)
		forward_close(f);
	return rc < 0 ? err_set(e, rc, "watch a forward: %s", strerror(-rc)) : 0;
}

/* Somebody may have put another in its place. */
static void remove_file(const struct forward *f)
{
	struct stat now;

	if (lstat(f->host.un.sun_path, &now) == 0 && now.st_dev == f->file.st_dev &&
	    now.st_ino == f->file.st_ino)
		unlink(f->host.un.sun_path);
}

void forward_close(struct forward *f)
{
	if (f->state != FORWARD_LISTENING)
		return;
	if (f->is_udp)
		flows_end(f->all->flows, f);
	f->state = FORWARD_CLOSED;
	if (hostaddr_is_unix(&f->host))
		remove_file(f);
	listener_close(&f->listener);
	end_close(&f->datagrams);
}

/* --- what came --- */

void forward_missed(struct forward *f, int is_refused, const struct err *why)
{
	if (is_refused)
		f->refused++;
	else
		f->unreachable++;
	text_clean(f->last_error, sizeof(f->last_error), why->text, strlen(why->text));
	log_debug("forward: a connection was not made id=%u why=%s", f->id, why->text);
}

void forward_left(struct forward *f)
{
	f->open--;
	if (!f->is_udp)
		listener_release(&f->listener);
	forwards_left(f->all, f);
}

/* --- shown --- */

const char *forward_proto(const struct forward *f)
{
	return f->is_udp ? "udp" : hostaddr_is_unix(&f->host) ? "unix" : "tcp";
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

json_t *forward_json(const struct forward *f)
{
	static const char *const states[] = { "listening", "closed" };
	char host[HOSTADDR_TEXT], to[DESTINATION_TEXT];

	return json_pack(
		"{s:i, s:o, s:s, s:s, s:o, s:s, s:s, s:b, s:i, s:I, s:I, s:I, s:I, s:o}", "id",
		(int)f->id, "name", text_or_null(f->name), "proto", forward_proto(f), "host",
		hostaddr_text(host, &f->host), "port",
		hostaddr_is_unix(&f->host) ? json_null() : json_integer(hostaddr_port(&f->host)),
		"guest", destination_text(to, &f->to), "state", states[f->state], "auto",
		f->is_auto, "open", (int)f->open, "connections", (json_int_t)f->taken, "refused",
		(json_int_t)f->refused, "unreachable", (json_int_t)f->unreachable, "dropped",
		(json_int_t)f->dropped, "last_error", text_or_null(f->last_error));
}
