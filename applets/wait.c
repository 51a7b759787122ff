/*
 * vmtool wait - return when something is so of a VM.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "applets/several.h"
#include "base/clock.h"
#include "base/parse.h"
#include "host/await.h"

enum { OPT_FOR = OPT_LONG, OPT_ANY, OPT_TIMEOUT };

static const struct opt wait_opts[] = {
	{ OPT_FOR, "for", "COND[=false]", "what is waited for; again for more (default exit)" },
	{ OPT_ANY, "any", NULL, "one of them is enough" },
	{ OPT_TIMEOUT, "timeout", "TIME", "give up then, with 124 (default: never)" },
	{ 'q', "quiet", NULL, "do not tell how long it took" },
	{ 0 },
};

struct wait {
	struct cond cond[AWAIT_CONDS_MAX];
	unsigned count;
	int any, quiet, several;
	int64_t since_ms, deadline_ms;
};

/* An end: its status is the result, as `docker wait` has it; one that failed is a no. */
static int report_end(const struct await *a, const struct wait *w, struct err *e)
{
	const struct state *s = &a->state;

	if (s->has_status && w->several)
		printf("%s %d\n", a->name, s->status);
	else if (s->has_status)
		printf("%d\n", s->status);
	if (s->state == VM_FAILED)
		return err_set(e, -ECANCELED, "%s: has failed: %s%s%.300s", a->name, s->reason,
			       s->detail[0] ? ": " : "", s->detail);
	if (!w->quiet)
		fprintf(stderr, "%s: has ended: %s\n", a->name, s->reason);
	return 0;
}

static int wait_one(const char *name, void *arg, struct err *e)
{
	const struct wait *w = arg;
	struct await a = {
		.name = name,
		.cond = w->cond,
		.count = w->count,
		.any = w->any,
		.deadline_ms = w->deadline_ms,
	};
	int rc = await_run(&a, e);

	if (rc < 0)
		return rc;
	if (w->cond[a.met].kind == COND_EXIT && w->cond[a.met].value && a.is_there)
		return report_end(&a, w, e);
	if (!w->quiet)
		fprintf(stderr, "%s: %s after %" PRId64 " ms\n", name, w->cond[a.met].text,
			clock_ms() - w->since_ms);
	return 0;
}

static int take_cond(struct wait *w, const char *text, struct err *e)
{
	if (w->count == AWAIT_CONDS_MAX)
		return err_usage(e, "--for: more than %d of them", AWAIT_CONDS_MAX);
	return cond_parse(&w->cond[w->count++], "--for", text, e);
}

static int wait_run(struct cmdline *cl, struct err *e)
{
	struct wait w = { .since_ms = clock_ms(), .deadline_ms = INT64_MAX };
	struct names names = NAMES_NONE;
	uint32_t timeout_ms;
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == OPT_FOR)
			rc = take_cond(&w, cl->value, e);
		if (c == OPT_TIMEOUT &&
		    (rc = parse_time(&timeout_ms, "--timeout", cl->value, e)) == 0)
			w.deadline_ms = w.since_ms + timeout_ms;
		w.any |= c == OPT_ANY;
		w.quiet |= c == 'q';
	}
	if (rc == 0 && w.count == 0)
		rc = take_cond(&w, "exit", e);
	if (rc == 0)
		rc = names_of_operands(&names, cl, e);
	w.several = names.count > 1;
	if (rc == 0)
		rc = for_each_name(cl, &names, wait_one, &w, e);
	names_free(&names);
	return rc;
}

const struct applet applet_wait = {
	.name = "wait",
	.args = "NAME...",
	.help = "Wait until a VM is ready, has ended, or something else is so",
	.more = "COND is one of\n\n"
		"  ready, running, stopped   as `vmtool ls` says it\n"
		"  exit                      it was started, and has ended: the main process's\n"
		"                            exit code, if there was one, is printed; 1 when it\n"
		"                            failed\n"
		"  exists, gone              there is such a VM, or none\n"
		"  vm_alive, agent_up, ssh_banner, boot_done, probe:NAME\n\n"
		"and =false waits for the opposite. Nothing is polled: the VM's folder tells. A\n"
		"VM that is not running may be started by others meanwhile; one that ends is\n"
		"waited for no longer, and that is 1, with the reason.\n\n"
		"  vmtool wait web --for ready --timeout 30s\n"
		"  code=$(vmtool wait job)\n",
	.opts = wait_opts,
	.command_after = -1,
	.run = wait_run,
};
