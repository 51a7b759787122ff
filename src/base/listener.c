/*
 * listener - takes connections for a server with a fixed number of places.
 */
#include "base/listener.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"

enum { RETRY_MS = 100 };

/* Errors that are about the connection that went away, not about us. */
static int is_transient(int err)
{
	return err == ECONNABORTED || err == EINTR || err == EPROTO;
}

static void pause_listening(struct listener *l)
{
	if (!l->paused)
		loop_del(l->loop, &l->w);
	l->paused = 1;
}

static void resume(struct listener *l)
{
	if (l->paused && !l->held && l->taken < l->places && l->w.fd >= 0 &&
	    loop_add(l->loop, &l->w, EPOLLIN) == 0)
		l->paused = 0;
}

static int accept_one(struct listener *l)
{
	int fd = accept4(l->w.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && l->admits && !l->admits(fd)) {
		log_debug("listener: a peer was turned away");
		fd_close(&fd);
		return -EAGAIN;
	}
	return fd < 0 ? -errno : fd;
}

/* One: the loop comes back while there are more. Asking until there are none would cost a tick: a vsock
 * that has none sleeps for one, non-blocking as it is (schedule_timeout(0) in vsock_accept(), Linux,
 * net/vmw_vsock/af_vsock.c). */
static void listener_ready(struct watch *w, uint32_t events)
{
	struct listener *l = CONTAINER(w, struct listener, w);
	int fd = accept_one(l);

	(void)events;
	if (fd >= 0) {
		if (++l->taken == l->places)
			pause_listening(l);
		l->accepted(l, fd);
	} else if (fd != -EAGAIN && !is_transient(-fd)) {
		/* Out of descriptors or memory: the same would come back at once. */
		log_warn("listener: cannot accept errno=%d", -fd);
		pause_listening(l);
		loop_after(l->loop, &l->retry, RETRY_MS);
	}
}

static void retry_due(struct timer *t)
{
	resume(CONTAINER(t, struct listener, retry));
}

int listener_open(struct listener *l, struct loop *loop, int fd, unsigned places,
		  void (*accepted)(struct listener *l, int fd))
{
	*l = (struct listener){
		.loop = loop,
		.w = { .fd = fd, .ready = listener_ready },
		.retry = { .due = retry_due },
		.places = places,
		.accepted = accepted,
	};
	return fd < 0 ? 0 : loop_add(loop, &l->w, EPOLLIN);
}

int listener_give(struct listener *l, int fd)
{
	if (l->taken == l->places)
		return -EAGAIN;
	l->taken++;
	l->accepted(l, fd);
	return 0;
}

void listener_close(struct listener *l)
{
	if (l->w.fd < 0)
		return;
	loop_cancel(l->loop, &l->retry);
	if (!l->paused)
		loop_del(l->loop, &l->w);
	fd_close(&l->w.fd);
}

void listener_hold(struct listener *l, int held)
{
	l->held = held;
	if (!held)
		resume(l);
	else if (l->w.fd >= 0)
		pause_listening(l);
}

void listener_release(struct listener *l)
{
	l->taken--;
	resume(l);
	if (l->room)
		l->room(l, l->arg);
}
