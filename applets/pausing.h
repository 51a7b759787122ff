/*
 * pausing - what `pause` and `resume` have in common: a word for the agent, and its answer.
 */
#ifndef APPLETS_PAUSING_H
#define APPLETS_PAUSING_H

#include <stdio.h>

#include "applets/several.h"
#include "host/known.h"
#include "host/question.h"

struct pausing {
	const char *op;
	enum vm_state after;
	int quiet;
	enum whom whom;
};

static inline int ask_to(const struct pausing *p, struct known *vm, struct err *e)
{
	int was_so = vm->state.state == p->after, rc;
	json_t *answer = NULL;

	rc = question_ask_live(&answer, &vm->ref, &vm->state, json_pack("{s:s}", "op", p->op), e);
	json_decref(answer);
	if (rc < 0)
		return err_in(e, "%s", vm->ref.name);
	if (!p->quiet)
		fprintf(stderr, "%s: is %s%s\n", vm->ref.name, state_name(p->after),
			was_so ? " already" : "");
	return rc;
}

static inline int pause_or_resume(const char *name, void *arg, struct err *e)
{
	struct known vm = KNOWN_NONE;
	int rc = known_find_live(&vm, name, e);

	if (rc == 0)
		rc = ask_to(arg, &vm, e);
	known_close(&vm);
	return rc;
}

static inline int pausing_run(struct cmdline *cl, struct pausing *p, struct err *e)
{
	int c;

	while ((c = opt_next(cl, e)) > 0) {
		p->quiet |= c == 'q';
		if (c == 'a')
			p->whom = ALL_LIVING;
	}
	return c < 0 ? c : for_each_of(cl, p->whom, pause_or_resume, p, e);
}

#endif
