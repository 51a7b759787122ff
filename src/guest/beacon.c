/*
 * beacon - tells the host how the boot goes, over one connection that the guest opens.
 */
#include "guest/beacon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "base/version.h"

enum {
	RETRY_FIRST_MS = 2,
	RETRY_QUICK_MS = 200, /* doubling ends here while the host may just be late */
	RETRY_QUICK_TRIES = 40,
	RETRY_SLOW_MS = 2000,
	STEADY_MS = 1000, /* a connection that stood so long was one: the host believed us */
};

/* --- what is said --- */

/* A host that was there and is gone comes back, however late: the exit status is kept for it. */
static void try_later(struct beacon *b)
{
	end_close(&b->end);
	if (b->is_up)
		loop_cancel(b->loop, &b->exit_timer);
	if (b->is_up && clock_ms() - b->up_ms >= STEADY_MS) {
		b->tries = 0;
		b->retry_ms = RETRY_FIRST_MS;
	}
	b->is_up = 0;
	loop_after(b->loop, &b->retry, b->retry_ms);
	b->retry_ms = MIN(b->retry_ms * 2, RETRY_QUICK_MS);
	if (++b->tries > RETRY_QUICK_TRIES)
		b->retry_ms = RETRY_SLOW_MS;
}

/* What cannot be said now is said by the next connection, which tells everything anew. */
static void post(struct beacon *b, uint8_t type, const void *data, long len)
{
	if (!b->is_up || len < 0)
		return;
	if (frame_post(&b->out, b->end.w.fd, type, data, (size_t)len) < 0)
		try_later(b);
	else
		end_want(&b->end, EPOLLIN | (b->out.len ? EPOLLOUT : 0u));
}

static void say_hello(struct beacon *b)
{
	const struct beacon_hello h = { PROTOCOL_VERSION, b->boot, vmtool_version };
	uint8_t mem[BEACON_FRAME_MAX];

	post(b, FRAME_HELLO, mem, beacon_hello_encode(&h, mem, sizeof(mem)));
}

static void say_stage(struct beacon *b, const struct beacon_note *n)
{
	const struct beacon_stage s = { n->name, n->state, (uint64_t)n->ms, n->detail };
	uint8_t mem[BEACON_FRAME_MAX];

	post(b, FRAME_STAGE, mem, beacon_stage_encode(&s, mem, sizeof(mem)));
}

static void say_exit(struct beacon *b)
{
	uint8_t mem[EXEC_STATUS_BYTES];

	exec_status_encode(&b->exit, mem);
	post(b, FRAME_MAIN_EXIT, mem, sizeof(mem));
}

static void say_everything(struct beacon *b)
{
	say_hello(b);
	for (size_t i = 0; i < b->nnotes; i++)
		say_stage(b, &b->notes[i]);
	if (b->is_ready)
		post(b, FRAME_READY, NULL, 0);
	if (b->has_exit)
		say_exit(b);
}

static void exit_told(struct beacon *b)
{
	void (*told)(struct beacon *) = b->exit_told;

	if (!told)
		return;
	b->exit_told = NULL;
	b->has_exit = 0;
	loop_cancel(b->loop, &b->exit_timer);
	told(b);
}

/* --- the connection --- */

static void try_now(struct beacon *b)
{
	int fd = b->connect();

	if (fd < 0) {
		/* A driver that is a module comes when it comes: this one does not. */
		if (b->tries == RETRY_QUICK_TRIES && !b->was_up)
			log_warn("beacon: the kernel has no vsock to the host: %s", strerror(-fd));
		try_later(b);
		return;
	}
	inbox_init(&b->in, b->in_mem, sizeof(b->in_mem));
	fifo_init(&b->out, b->out_mem, sizeof(b->out_mem));
	end_open(&b->end, fd);
	if (end_want(&b->end, EPOLLOUT) < 0)
		try_later(b);
}

/* 0, or a negative errno: the connection is of no more use. */
static int listen_to_host(struct beacon *b)
{
	ssize_t n = inbox_fill(&b->in, b->end.w.fd);
	struct frame f;
	int rc;

	if (n <= 0)
		return n == -EAGAIN ? 0 : n == 0 ? -ECONNRESET : (int)n;
	while ((rc = frame_next(&b->in, &f)) > 0)
		if (f.type == FRAME_ACK && b->has_exit)
			exit_told(b);
	return rc;
}

static void beacon_event(struct watch *w, uint32_t events)
{
	struct beacon *b = CONTAINER(w, struct beacon, end.w);
	int rc = 0;

	if (!b->is_up && !(events & (EPOLLERR | EPOLLHUP))) {
		b->is_up = 1;
		b->was_up = 1;
		b->up_ms = clock_ms();
		if (b->exit_told)
			loop_after(b->loop, &b->exit_timer, b->exit_ms);
		say_everything(b);
		return;
	}
	if (!b->is_up)
		rc = -ECONNREFUSED;
	if (rc == 0 && (events & EPOLLOUT))
		rc = (int)fifo_write(&b->out, w->fd);
	if (rc >= 0 || rc == -EAGAIN)
		rc = events & ~(uint32_t)EPOLLOUT ? listen_to_host(b) : 0;
	if (rc < 0)
		try_later(b);
	else
		end_want(&b->end, EPOLLIN | (b->out.len ? EPOLLOUT : 0u));
}

static void retry_due(struct timer *t)
{
	try_now(CONTAINER(t, struct beacon, retry));
}

static void exit_overdue(struct timer *t)
{
	exit_told(CONTAINER(t, struct beacon, exit_timer));
}

/* --- for the guest --- */

void beacon_init(struct beacon *b, struct loop *l, int (*connect)(void))
{
	*b = (struct beacon){
		.loop = l,
		.connect = connect,
		.end = END_INIT(l, beacon_event),
		.retry = { .due = retry_due },
		.exit_timer = { .due = exit_overdue },
		.retry_ms = RETRY_FIRST_MS,
	};
}

void beacon_light(struct beacon *b, const char *boot)
{
	b->boot = boot;
	try_now(b);
}

static struct beacon_note *note_of(struct beacon *b, const char *name)
{
	for (size_t i = 0; i < b->nnotes; i++)
		if (!strcmp(b->notes[i].name, name))
			return &b->notes[i];
	if (b->nnotes == BEACON_STAGES)
		return NULL;
	b->notes[b->nnotes].name = name;
	return &b->notes[b->nnotes++];
}

void beacon_stage(struct beacon *b, const char *name, uint8_t state, const char *detail)
{
	struct beacon_note *n = note_of(b, name);

	if (!n)
		return;
	b->latest = (size_t)(n - b->notes);
	n->state = state;
	n->ms = clock_ms();
	snprintf(n->detail, sizeof(n->detail), "%s", detail);
	say_stage(b, n);
}

const struct beacon_note *beacon_latest(const struct beacon *b)
{
	return b->nnotes ? &b->notes[b->latest] : NULL;
}

void beacon_ready(struct beacon *b)
{
	b->is_ready = 1;
	post(b, FRAME_READY, NULL, 0);
}

void beacon_main_exit(struct beacon *b, const struct exec_status *s, unsigned wait_ms,
		      void (*told)(struct beacon *b))
{
	b->exit = *s;
	b->has_exit = 1;
	b->exit_told = told;
	b->exit_ms = wait_ms;
	if (b->is_up || !b->was_up)
		loop_after(b->loop, &b->exit_timer, wait_ms);
	say_exit(b);
}
