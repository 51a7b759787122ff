/*
 * diskd - a block device's worker: a thread that does its jobs one after the other.
 */
#include "vmm/diskd.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "vmm/sandbox.h"

/* --- lists ---------------------------------------------------------------------------------- */

static void clear(struct disk_jobs *q)
{
	*q = (struct disk_jobs){ .end = &q->first };
}

static void append(struct disk_jobs *q, struct disk_job *first)
{
	*q->end = first;
	while (*q->end)
		q->end = &(*q->end)->next;
}

static struct disk_job *take_first(struct disk_jobs *q)
{
	struct disk_job *j = q->first;

	q->first = j->next;
	if (!q->first)
		q->end = &q->first;
	j->next = NULL;
	return j;
}

/* --- the worker ----------------------------------------------------------------------------- */

/* Under the lock: the next job, or NULL when there will be none. */
static struct disk_job *await_job(struct diskd *d)
{
	while (!d->todo.first && !d->stop)
		pthread_cond_wait(&d->changed, &d->lock);
	return d->todo.first ? take_first(&d->todo) : NULL;
}

/* Under the lock. The loop is told once for all that it has not yet collected. */
static void deliver(struct diskd *d, struct disk_job *j)
{
	uint64_t one = 1;
	int first = !d->done.first;

	append(&d->done, j);
	if (first)
		(void)fd_write(d->ready.fd, &one, sizeof(one));
}

static void *worker(void *arg)
{
	struct diskd *d = arg;
	struct disk_job *j;

	sandbox_enter(SANDBOX_DISK);
	pthread_mutex_lock(&d->lock);
	while ((j = await_job(d)) != NULL) {
		pthread_mutex_unlock(&d->lock);
		disk_do(d->disk, j);
		pthread_mutex_lock(&d->lock);
		deliver(d, j);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* --- the loop's side ------------------------------------------------------------------------ */

static void submit(struct blk_host *h, struct disk_job *first)
{
	struct diskd *d = CONTAINER(h, struct diskd, host);

	pthread_mutex_lock(&d->lock);
	append(&d->todo, first);
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static int must_wait(struct blk_host *h)
{
	struct diskd *d = CONTAINER(h, struct diskd, host);
	unsigned ms = ratelimit_wait(&d->limit, clock_ms());

	if (ms && d->later.at_ms == 0)
		loop_after(d->loop, &d->later, ms);
	return ms != 0;
}

static void spent(struct blk_host *h, uint64_t bytes)
{
	ratelimit_spend(&CONTAINER(h, struct diskd, host)->limit, bytes);
}

static void later(struct timer *t)
{
	blk_go_on(CONTAINER(t, struct diskd, later)->blk);
}

static void collect(struct watch *w, uint32_t events)
{
	struct diskd *d = CONTAINER(w, struct diskd, ready);
	struct disk_job *done;
	uint64_t count;

	(void)events;
	(void)fd_read(w->fd, &count, sizeof(count));
	pthread_mutex_lock(&d->lock);
	done = d->done.first;
	clear(&d->done);
	pthread_mutex_unlock(&d->lock);
	blk_done(d->blk, done);
}

int diskd_start(struct diskd *d, struct blk *b, const struct disk *disk, uint64_t rate, uint64_t ops,
		struct loop *l)
{
	int rc;

	d->host.submit = submit;
	d->host.must_wait = must_wait;
	d->host.spent = spent;
	d->loop = l;
	d->later.due = later;
	ratelimit_init(&d->limit, rate, ops, clock_ms());
	d->blk = b;
	d->disk = disk;
	clear(&d->todo);
	clear(&d->done);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	d->ready = (struct watch){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), collect };
	rc = d->ready.fd < 0 ? -errno : loop_add(l, &d->ready, EPOLLIN);
	if (rc == 0)
		rc = -pthread_create(&d->thread, NULL, worker, d);
	d->started = rc == 0;
	return rc;
}

void diskd_stop(struct diskd *d)
{
	if (!d->started)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = 1;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->started = 0;
}
