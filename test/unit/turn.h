/*
 * turn - a loop runs until nothing has happened for a moment.
 */
#ifndef TURN_H
#define TURN_H

#include "base/loop.h"
#include "base/util.h"

struct turn {
	struct timer quiet;
	struct loop *loop;
};

static inline void turn_over(struct timer *t)
{
	loop_stop(CONTAINER(t, struct turn, quiet)->loop, 0);
}

static inline void turn(struct loop *l)
{
	struct turn t = { .quiet.due = turn_over, .loop = l };

	loop_after(l, &t.quiet, 20);
	loop_run(l);
}

#endif
