/*
 * pump - bytes between a port and a descriptor.
 */
#include "pump.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/util.h"

void pump_close(struct pump *p, enum pump_state state)
{
	if (p->state != PUMP_MOVING)
		return;
	loop_del(p->loop, &p->wait);
	p->wait.fd = -1;
	fd_close(p->way == TO_PORT ? &p->from : &p->to);
	p->state = state;
	p->done(p);
}

/* Nonzero: not ready, the loop will tell. 0: a plain file, go on at once. */
static int wait_for(struct pump *p, int fd, uint32_t events)
{
	if (p->wait.fd == fd)
		return 1;
	loop_del(p->loop, &p->wait);
	p->wait.fd = fd;
	if (loop_add(p->loop, &p->wait, events) == 0)
		return 1;
	p->wait.fd = -1;
	return 0;
}

static void take(struct pump *p)
{
	ssize_t n = fd_read(p->from, p->buf, sizeof(p->buf));

	if (n > 0) {
		p->at = 0;
		p->len = (size_t)n;
	} else if (n != -EAGAIN && !(n == 0 && p->way == FROM_PORT)) {
		/* -EIO is what a terminal says after its last process */
		p->total = p->moved;
	}
}

static void give(struct pump *p)
{
	ssize_t n = fd_write(p->to, p->buf + p->at, p->len);

	if (n >= 0) {
		p->at += (size_t)n;
		p->len -= (size_t)n;
		p->moved += (uint64_t)n;
	} else if (n != -EAGAIN) {
		pump_close(p, PUMP_BROKEN);
	}
}

static int is_complete(const struct pump *p)
{
	return p->len == 0 && p->moved >= p->total;
}

/* Goes on until a descriptor has to be waited for. */
static void advance(struct pump *p)
{
	while (p->state == PUMP_MOVING) {
		if (is_complete(p)) {
			pump_close(p, PUMP_ENDED);
		} else if (p->len > 0) {
			if (wait_for(p, p->to, EPOLLOUT))
				return;
			give(p);
		} else {
			if (wait_for(p, p->from, EPOLLIN))
				return;
			take(p);
		}
	}
}

static void wait_over(struct watch *w, uint32_t events)
{
	struct pump *p = CONTAINER(w, struct pump, wait);

	(void)events;
	if (p->len > 0)
		give(p);
	else
		take(p);
	advance(p);
}

void pump_open(struct pump *p, struct loop *l, int fd, enum pump_way way, int port,
	       void (*done)(struct pump *p))
{
	*p = (struct pump){
		.state = PUMP_MOVING,
		.loop = l,
		.wait = { -1, wait_over },
		.way = way,
		.from = way == TO_PORT ? fd : port,
		.to = way == TO_PORT ? port : fd,
		.total = UINT64_MAX,
		.done = done,
	};
	advance(p);
}

void pump_set_total(struct pump *p, uint64_t total)
{
	p->total = total;
	if (p->state == PUMP_MOVING && is_complete(p))
		pump_close(p, PUMP_ENDED);
}

void pump_drain(struct pump *p)
{
	while (p->state == PUMP_MOVING && !is_complete(p)) {
		if (p->len > 0) {
			give(p);
			continue;
		}
		take(p);
		if (p->len == 0)
			p->total = p->moved;
	}
	pump_close(p, PUMP_ENDED);
}
