/*
 * clocksync - keeps a guest's wall clock at the host's.
 */
#include "host/clocksync.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "proto/ports.h"

enum {
	EVERY_MS = 60 * 1000,
	RETRY_MS = 5000, /* time has jumped, and the guest does not know yet */
	EXCHANGES = 8,
	ANSWER_MS = 1000, /* for all of them */
	/* Programs see a step as a jump of time, which is right only after one. */
	STEP_MS = 500,
	STEP_AFTER_JUMP_MS = 10,
};

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void rest(struct clocksync *k, unsigned ms)
{
	call_close(&k->call);
	k->runs = 0;
	loop_after(k->loop, &k->timer, k->again ? 0 : ms);
}

static void fail(struct clocksync *k, const char *why)
{
	log_debug("clock: the guest's was not compared why=%s", why);
	rest(k, k->jumped ? RETRY_MS : EVERY_MS);
	k->again |= k->jumped;
}

/* --- one comparison --- */

static void ask(struct clocksync *k)
{
	const struct clock_sample s = { .host_ns = wall_ns() };
	uint8_t mem[CLOCK_SAMPLE_BYTES];

	clock_sample_encode(&s, mem);
	if (call_send(&k->call, FRAME_CLOCK, mem, sizeof(mem)) < 0)
		fail(k, "the question cannot be sent");
}

static void tell(struct clocksync *k)
{
	const struct clock_set s = { k->ahead_ns, k->bound_ns,
				     k->jumped ? STEP_AFTER_JUMP_MS : STEP_MS };
	uint8_t mem[CLOCK_SET_BYTES];

	clock_set_encode(&s, mem);
	if (call_send(&k->call, FRAME_CLOCK_SET, mem, sizeof(mem)) < 0)
		fail(k, "the difference cannot be sent");
}

/* 0, or -EPROTO: it cannot be the answer. */
static int take_sample(struct clocksync *k, const struct frame *f)
{
	int64_t t1, t2 = (int64_t)wall_ns();
	struct clock_sample s;
	uint64_t bound;

	if (clock_sample_decode(&s, f->data, f->len) < 0 || (int64_t)s.host_ns > t2)
		return -EPROTO;
	t1 = (int64_t)s.host_ns;
	bound = (uint64_t)(t2 - t1) / 2;
	if (k->exchanges == 0 || bound < k->bound_ns) {
		k->bound_ns = bound;
		k->ahead_ns = (int64_t)s.guest_ns - (t1 + (t2 - t1) / 2);
	}
	if (++k->exchanges < EXCHANGES)
		ask(k);
	else
		tell(k);
	return 0;
}

static int take_done(struct clocksync *k, const struct frame *f)
{
	struct clock_done d;

	if (clock_done_decode(&d, f->data, f->len) < 0)
		return -EPROTO;
	log_debug("clock: compared did=%s ahead_us=%lld bound_us=%llu", clock_did_name(d.did),
		  (long long)d.ahead_ns / 1000, (unsigned long long)d.bound_ns / 1000);
	rest(k, EVERY_MS);
	if (k->done)
		k->done(k, &d);
	return 0;
}

static void call_up(struct call *c)
{
	ask(CONTAINER(c, struct clocksync, call));
}

static void call_frame(struct call *c, const struct frame *f)
{
	struct clocksync *k = CONTAINER(c, struct clocksync, call);
	int rc = -EPROTO;

	if (f->type == FRAME_ERROR)
		k->jumped = 0; /* it may not, or cannot: asking sooner changes nothing */
	else if (f->type == FRAME_CLOCK && k->exchanges < EXCHANGES)
		rc = take_sample(k, f);
	else if (f->type == FRAME_CLOCK_SET && k->exchanges == EXCHANGES)
		rc = take_done(k, f);
	if (rc < 0)
		fail(k, "its answer is of no use");
}

static void call_lost(struct call *c, const char *why)
{
	fail(CONTAINER(c, struct clocksync, call), why);
}

static void begin(struct clocksync *k)
{
	static const struct call_ops ops = { call_up, call_frame, call_lost };
	int rc;

	k->runs = 1;
	k->jumped = k->again;
	k->again = 0;
	k->exchanges = 0;
	loop_after(k->loop, &k->timer, ANSWER_MS);
	rc = call_open(&k->call, k->loop, &ops, k->sockets_dir, PORT_AGENT);
	if (rc < 0)
		fail(k, strerror(-rc));
}

static void timer_due(struct timer *t)
{
	struct clocksync *k = CONTAINER(t, struct clocksync, timer);

	if (k->runs)
		fail(k, "it took too long");
	else
		begin(k);
}

/* --- jumps of the host's clock --- */

/* Armed for a time that never comes. */
static int arm(int fd)
{
	const struct itimerspec never = { .it_value.tv_sec = (time_t)1 << 36 };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
		       ? -errno
		       : 0;
}

static void host_jumped(struct watch *w, uint32_t events)
{
	struct clocksync *k = CONTAINER(w, struct clocksync, jumps);
	uint64_t ignored;

	(void)events;
	if (fd_read(w->fd, &ignored, sizeof(ignored)) == -EAGAIN)
		return;
	/* Reading says ECANCELED, and has armed it again. */
	log_debug("clock: the host's has jumped");
	clocksync_jumped(k);
}

/* Without it there is still the comparison every minute. */
static void watch_jumps(struct clocksync *k)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	k->jumps = (struct watch){ fd, host_jumped };
	if (fd >= 0 && arm(fd) == 0 && loop_add(k->loop, &k->jumps, EPOLLIN) == 0)
		return;
	log_warn("clock: jumps of the host's clock are not noticed");
	fd_close(&k->jumps.fd);
}

/* --- for the agent --- */

void clocksync_start(struct clocksync *k, struct loop *l, int sockets_dir,
		     void (*done)(struct clocksync *k, const struct clock_done *d))
{
	*k = CLOCKSYNC_NONE;
	k->loop = l;
	k->sockets_dir = sockets_dir;
	k->timer.due = timer_due;
	k->done = done;
	k->again = 1; /* a guest that boots may have read any clock */
	watch_jumps(k);
	begin(k);
}

void clocksync_jumped(struct clocksync *k)
{
	if (!k->loop)
		return;
	k->again = 1;
	if (!k->runs)
		loop_after(k->loop, &k->timer, 0);
}

void clocksync_stop(struct clocksync *k)
{
	if (!k->loop)
		return;
	loop_cancel(k->loop, &k->timer);
	loop_del(k->loop, &k->jumps);
	fd_close(&k->jumps.fd);
	call_close(&k->call);
	k->loop = NULL;
}
