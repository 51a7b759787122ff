/*
 * ports - who listens in this guest, for as long as somebody wants to know.
 */
#include "guest/ports.h"

#include <string.h>

#include "base/util.h"

enum { WAIT_LEAST_MS = 100, WAIT_MOST_MS = 1000 };

static int is_same(const struct agent_ports *a, const struct agent_ports *b)
{
	return a->count == b->count && a->truncated == b->truncated &&
	       memcmp(a->port, b->port, a->count * sizeof(a->port[0])) == 0;
}

static void look(struct ports *p)
{
	int fits;

	p->scan(&p->next);
	p->wait_ms = MIN(p->wait_ms * 2, WAIT_MOST_MS);
	if (is_same(&p->now, &p->next))
		return;
	p->wait_ms = WAIT_LEAST_MS;
	p->next.epoch = p->now.epoch + 1;
	fits = agent_ports_compare(&p->change, &p->now, &p->next) == 0;
	p->now = p->next;
	p->changed(p, fits ? &p->change : NULL);
}

static void look_due(struct timer *t)
{
	struct ports *p = CONTAINER(t, struct ports, timer);

	look(p);
	if (p->watchers)
		loop_after(p->loop, &p->timer, p->wait_ms);
}

void ports_init(struct ports *p, struct loop *l, void (*scan)(struct agent_ports *out),
		void (*changed)(struct ports *p, const struct agent_ports_change *change))
{
	p->loop = l;
	p->timer = (struct timer){ .due = look_due };
	p->watchers = 0;
	p->wait_ms = WAIT_LEAST_MS;
	p->scan = scan;
	p->changed = changed;
	p->now.epoch = 0;
	p->now.count = 0;
}

void ports_watch(struct ports *p)
{
	look(p);
	p->watchers++;
	p->wait_ms = WAIT_LEAST_MS;
	loop_after(p->loop, &p->timer, p->wait_ms);
}

void ports_unwatch(struct ports *p)
{
	if (--p->watchers == 0)
		loop_cancel(p->loop, &p->timer);
}
