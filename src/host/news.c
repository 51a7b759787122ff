/*
 * news - waiting for something to happen in a VM's folder.
 */
#include "host/news.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

enum { REPEAT_MOST = 1024 }; /* ms: whoever lets a lock go may have lost its CPU meanwhile */

static int add(struct news *n, int dir, uint32_t what)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return inotify_add_watch(n->fd, path, what) < 0 ? -errno : 0;
}

static int begin(struct news *n)
{
	n->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return n->fd < 0 ? -errno : 0;
}

int news_open(struct news *n, const struct vmref *v)
{
	int rc = begin(n);

	return rc < 0 ? rc : news_add(n, v);
}

int news_open_store(struct news *n, const struct home *h)
{
	int rc = begin(n);

	return rc < 0 ? rc : add(n, h->vms, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
}

int news_add(struct news *n, const struct vmref *v)
{
	return add(n, v->dir,
		   IN_MODIFY | IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVE_SELF);
}

int news_wait(struct news *n, int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_ms();
	struct pollfd p = { .fd = n->fd, .events = POLLIN };
	char events[4096];
	int rc, repeats;

	if (left <= 0)
		return -ETIMEDOUT;
	repeats = n->repeat_ms && n->repeat_ms < left;
	rc = poll(&p, 1, repeats ? n->repeat_ms : (int)MIN(left, INT32_MAX));
	if (rc < 0)
		return errno == EINTR ? 0 : -errno;
	if (rc == 0 && !repeats)
		return -ETIMEDOUT;
	n->repeat_ms = rc > 0 ? 1 : n->repeat_ms < REPEAT_MOST ? n->repeat_ms * 2 : 0;
	while (rc > 0 && fd_read(n->fd, events, sizeof(events)) > 0)
		; /* that something happened is enough */
	return 0;
}

void news_close(struct news *n)
{
	fd_close(&n->fd);
}
