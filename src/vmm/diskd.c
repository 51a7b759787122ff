/*
 * diskd - a block device's workers: an io_uring where the host has one, and a thread.
 */
#include "vmm/diskd.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "vmm/sandbox.h"

enum {
	/* A read of what is in the page cache the ring does at once, on the loop's thread, if it is no longer
	 * than this; for a longer one, and for each write to a file, the host's kernel wakes a thread of its own.
	 * That pays for long writes only: the short ones of a batch ours does without being woken between. */
	SHORT = 64 << 10,
};

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

static void give_thread(struct diskd *d, struct disk_jobs *jobs)
{
	if (!jobs->first)
		return;
	pthread_mutex_lock(&d->lock);
	append(&d->todo, jobs->first);
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

/* --- the ring ------------------------------------------------------------------------------- */

/* Nonzero: it has the job. */
static int give_ring(struct diskd *d, struct disk_job *j)
{
	static const enum uring_op ops[] = {
		[DISK_READ] = URING_READ,
		[DISK_WRITE] = URING_WRITE,
		[DISK_FLUSH] = URING_SYNC,
	};
	int is_short = j->len <= SHORT;
	struct disk_call c;

	return d->ring.fd >= 0 && !(j->op == DISK_WRITE && is_short) && disk_is_call(d->disk, j, &c) &&
	       uring_put(&d->ring, ops[j->op], c.file, j->iov, j->nspans, c.at, !is_short, j);
}

/* A sync that failed is not asked for again: the next one would know nothing of it. */
static int is_over(const struct disk_job *j, int result)
{
	return j->op == DISK_FLUSH || (result >= 0 && (uint64_t)result == j->len);
}

/* What the ring has done; what came to something else is the thread's. */
static void reap(struct diskd *d, struct disk_jobs *done)
{
	struct disk_jobs again;
	struct disk_job *j;
	int result;

	clear(&again);
	while ((j = uring_next(&d->ring, &result)) != NULL) {
		j->result = MIN(result, 0);
		append(is_over(j, result) ? done : &again, j);
	}
	give_thread(d, &again);
}

static int open_ring(struct diskd *d, enum spec_aio aio)
{
	int files[DISK_FILES], rc;

	if (aio == SPEC_AIO_THREADS)
		return 0;
	rc = uring_open(&d->ring, files, disk_files(d->disk, files), d->ready.fd);
	if (rc < 0)
		log_info("%s: no io_uring, a thread does all: %s", d->blk->name, strerror(-rc));
	return aio == SPEC_AIO_IO_URING ? rc : 0;
}

/* --- the loop's side ------------------------------------------------------------------------ */

static void submit(struct blk_host *h, struct disk_job *first)
{
	struct diskd *d = CONTAINER(h, struct diskd, host);
	struct disk_jobs jobs, rest;
	struct disk_job *j;

	clear(&jobs);
	clear(&rest);
	append(&jobs, first);
	while (jobs.first) {
		j = take_first(&jobs);
		if (!give_ring(d, j))
			append(&rest, j);
	}
	if (d->ring.fd >= 0) {
		uring_start(&d->ring);
		while ((j = uring_take_back(&d->ring)) != NULL)
			append(&rest, j);
	}
	give_thread(d, &rest);
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
	struct disk_jobs done;
	uint64_t count;

	(void)events;
	(void)fd_read(w->fd, &count, sizeof(count));
	clear(&done);
	pthread_mutex_lock(&d->lock);
	if (d->done.first)
		append(&done, d->done.first);
	clear(&d->done);
	pthread_mutex_unlock(&d->lock);
	if (d->ring.fd >= 0)
		reap(d, &done);
	blk_done(d->blk, done.first);
}

int diskd_start(struct diskd *d, struct blk *b, const struct disk *disk, const struct spec_disk *s,
		struct loop *l)
{
	int rc;

	d->ring = URING_NONE;
	d->host.submit = submit;
	d->host.must_wait = must_wait;
	d->host.spent = spent;
	d->loop = l;
	d->later.due = later;
	ratelimit_init(&d->limit, s->rate, s->ops, clock_ms());
	d->blk = b;
	d->disk = disk;
	clear(&d->todo);
	clear(&d->done);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	d->ready = (struct watch){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), collect };
	rc = d->ready.fd < 0 ? -errno : loop_add(l, &d->ready, EPOLLIN);
	if (rc == 0)
		rc = open_ring(d, s->aio);
	if (rc == 0)
		rc = -pthread_create(&d->thread, NULL, worker, d);
	d->started = rc == 0;
	return rc;
}

void diskd_stop(struct diskd *d)
{
	struct disk_jobs done;

	if (!d->started)
		return;
	clear(&done);
	while (d->ring.in_flight && uring_wait(&d->ring) == 0)
		reap(d, &done);
	uring_close(&d->ring);
	pthread_mutex_lock(&d->lock);
	d->stop = 1;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->started = 0;
}
