/*
 * pausing - what `pause` and `resume` have in common: a word for the agent, and its answer.
 */
#ifndef APPLETS_PAUSING_H
#define APPLETS_PAUSING_H

#include <errno.h>
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

static inline int pause_or_resume(const char *name, void *arg, struct err *e)
{
	const struct pausing *p = arg;
	struct known vm = KNOWN_NONE;
	json_t *answer = NULL;
	int rc = known_find_settled(&vm, name, e);

	if (rc == 0 && !state_is_live(vm.state.state)) {
		rc = err_set(e, -ESRCH, "%s: is not running (%s)", vm.ref.name,
			     state_name(vm.state.state));
	} else if (rc == 0) {
		int was_so = vm.state.state == p->after;

		rc = question_ask_live(&answer, &vm.ref, &vm.state,
				       json_pack("{s:s}", "op", p->op), e);
		json_decref(answer);
		if (rc < 0)
			err_in(e, "%s", vm.ref.name);
		else if (!p->quiet)
			fprintf(stderr, "%s: is %s%s\n", vm.ref.name, state_name(p->after),
				was_so ? " already" : "");
	}
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
