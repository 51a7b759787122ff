/*
 * loop - the one event loop: descriptors, timers, signals.
 */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

/* A fault is about the instruction that caused it: blocking it would loop or kill anyway. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

static void blocked_signals(sigset_t *set)
{
	sigfillset(set);
	for (unsigned i = 0; i < COUNT(faults); i++)
		sigdelset(set, faults[i]);
}

/* wakefd and sigfd are told from watches by their address in the loop. */
static int add_own(struct loop *l, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };

	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, *fd, &ev) < 0 ? -errno : 0;
}

int loop_open(struct loop *l)
{
	sigset_t set;
	int rc;

	blocked_signals(&set);
	rc = -pthread_sigmask(SIG_SETMASK, &set, &l->before);
	if (rc < 0)
		return rc;
	l->has_blocked = 1;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = l->epfd < 0 || l->wakefd < 0 || l->sigfd < 0 ? -errno : 0;
	if (rc == 0)
		rc = add_own(l, &l->wakefd);
	if (rc == 0)
		rc = add_own(l, &l->sigfd);
	if (rc < 0)
		loop_close(l);
	return rc;
}

void loop_close(struct loop *l)
{
	fd_close(&l->sigfd);
	fd_close(&l->wakefd);
	fd_close(&l->epfd);
	l->timers = NULL;
	l->batch_at = l->batch_len = 0;
}

void loop_unblock(struct loop *l)
{
	if (!l->has_blocked)
		return;
	signal(SIGPIPE, SIG_IGN); /* which takes a pending one back */
	pthread_sigmask(SIG_SETMASK, &l->before, NULL);
	l->has_blocked = 0;
}

int loop_add(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, w->fd, &ev) < 0 ? -errno : 0;
}

void loop_mod(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev);
}

void loop_del(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = l->batch_at; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

void loop_cancel(struct loop *l, struct timer *t)
{
	for (struct timer **p = &l->timers; *p; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			break;
		}
	}
	t->at_ms = 0;
}

void loop_after(struct loop *l, struct timer *t, unsigned ms)
{
	struct timer **p = &l->timers;

	loop_cancel(l, t);
	t->at_ms = clock_ms() + ms;
	while (*p && (*p)->at_ms <= t->at_ms)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
}

static int next_timeout(const struct loop *l)
{
	int64_t ms;

	if (!l->timers)
		return -1;
	ms = l->timers->at_ms - clock_ms();
	return ms < 0 ? 0 : (int)MIN(ms, INT_MAX);
}

void loop_wait(struct loop *l)
{
	l->batch_at = 0;
	l->batch_len = epoll_wait(l->epfd, l->batch, COUNT(l->batch), next_timeout(l));
	if (l->batch_len < 0)
		l->batch_len = 0; /* EINTR is all that is possible here */
}

static void read_signals(struct loop *l)
{
	struct signalfd_siginfo si;

	while (fd_read(l->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (l->signalled)
			l->signalled(l, &si);
}

static void run_timers(struct loop *l)
{
	int64_t now = l->timers ? clock_ms() : 0; /* which may be a system call */

	while (l->timers && l->timers->at_ms <= now) {
		struct timer *t = l->timers;

		l->timers = t->next;
		t->at_ms = 0;
		t->due(t);
	}
}

void loop_dispatch(struct loop *l)
{
	while (l->batch_at < l->batch_len) {
		struct epoll_event ev = l->batch[l->batch_at++];
		uint64_t count;

		if (ev.data.ptr == &l->wakefd)
			(void)fd_read(l->wakefd, &count, sizeof(count));
		else if (ev.data.ptr == &l->sigfd)
			read_signals(l);
		else if (ev.data.ptr)
			((struct watch *)ev.data.ptr)->ready(ev.data.ptr, ev.events);
	}
	run_timers(l);
}

int loop_run(struct loop *l)
{
	l->running = 1;
	while (l->running) {
		loop_wait(l);
		loop_dispatch(l);
	}
	return l->status;
}

void loop_stop(struct loop *l, int status)
{
	l->running = 0;
	l->status = status;
}

void loop_wake(struct loop *l)
{
	uint64_t one = 1;

	(void)fd_write(l->wakefd, &one, sizeof(one));
}
