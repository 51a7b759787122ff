/*
 * stages - a boot in the order of a table.
 */
#include "guest/stages.h"

#include "base/util.h"
#include "proto/ready.h"

static void end(struct stages *s, const struct stage *one, const struct err *e)
{
	int is_failed = e->code < 0;

	if (is_failed && one->is_needed && !s->broken)
		s->broken = one->name;
	s->told(s->in, one->name, is_failed ? STAGE_FAILED : STAGE_DONE, e->text);
}

/* 1 when it is not over yet. */
static int run(struct stages *s, const struct stage *one)
{
	struct err e = ERR_NONE;

	s->told(s->in, one->name, STAGE_BEGIN, "");
	if (one->run(s->in, &e) > 0)
		return 1;
	end(s, one, &e);
	return 0;
}

/* The next one that is wanted, if it is due `when`; NULL. */
static const struct stage *next(struct stages *s, enum stage_when when)
{
	while (s->next < s->count && s->table[s->next].when == when) {
		const struct stage *one = &s->table[s->next++];

		if (!one->is_wanted || one->is_wanted(s->of))
			return one;
	}
	return NULL;
}

void stages_run(struct stages *s, enum stage_when when)
{
	const struct stage *one;

	while ((one = next(s, when)))
		run(s, one);
}

static void step_due(struct timer *t)
{
	struct stages *s = CONTAINER(t, struct stages, step);
	const struct stage *one = next(s, WHEN_LATE);

	if (!one)
		s->over(s->in);
	else if (run(s, one) == 0)
		loop_after(s->loop, &s->step, 0);
}

void stages_begin(struct stages *s)
{
	s->step.due = step_due;
	loop_after(s->loop, &s->step, 0);
}

void stages_go_on(struct stages *s, const struct err *e)
{
	end(s, &s->table[s->next - 1], e);
	loop_after(s->loop, &s->step, 0);
}
