/*
 * vmtool restart - stop a VM and start it again, as it is configured.
 */
#include <stdio.h>

#include "applets/starting.h"
#include "base/parse.h"
#include "host/agent.h"
#include "host/keeper.h"
#include "host/known.h"

enum { OPT_TIMEOUT = OPT_LONG };

static const struct opt restart_opts[] = {
	ALL_OPT("all that live"),
	{ 't', "stop-timeout", "TIME", "time the guest gets to power off (default 10s)" },
	{ 'f', "force", NULL, "do not ask it: kill it at once" },
	{ OPT_TIMEOUT, "timeout", "TIME", "deadline for being ready again (default 60s)" },
	{ 'q', "quiet", NULL, "do not tell the stages" },
	{ 0 },
};

struct restart {
	struct launch_ask ask;
	uint32_t stop_ms;
	int force, tell;
};

static int stop_first(const struct restart *r, const char *name, struct err *e)
{
	struct stop_result result;
	struct known vm = KNOWN_NONE;
	int rc = known_find_settled(&vm, name, e);

	if (rc == 0 && state_is_live(vm.state.state)) {
		rc = keeper_stop(&vm.ref, &vm.state, r->stop_ms, r->force, &result, e);
		if (rc == 0 && r->tell)
			fprintf(stderr, "%s: stopped after %lld ms (rung %s)\n", name, result.ms,
				result.rung);
	} else if (rc == 0 && r->tell) {
		fprintf(stderr, "%s: was not running (%s)\n", name, state_name(vm.state.state));
	}
	known_close(&vm);
	return rc;
}

static int restart_one(const char *name, void *arg, struct err *e)
{
	struct restart *r = arg;
	int rc = stop_first(r, name, e);

	r->ask.name = name;
	return rc < 0 ? rc : start_and_tell(&r->ask, r->tell, e);
}

static int restart_run(struct cmdline *cl, struct err *e)
{
	static struct wish nothing; /* too large for a constant */
	struct restart r = {
		.ask = { .wish = &nothing, .timeout_ms = 60000 },
		.stop_ms = STOP_MS,
		.tell = 1,
	};
	struct names names = NAMES_NONE;
	enum whom whom = NAMED;
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == 't')
			rc = parse_time(&r.stop_ms, "--stop-timeout", cl->value, e);
		if (c == OPT_TIMEOUT)
			rc = parse_time(&r.ask.timeout_ms, "--timeout", cl->value, e);
		r.force |= c == 'f';
		r.tell &= c != 'q';
		if (c == 'a')
			whom = ALL_LIVING;
	}
	if (rc == 0)
		rc = names_of(&names, cl, whom, e);
	r.ask.stages = r.tell && names.count == 1;
	if (rc == 0)
		rc = for_each_name(cl, &names, restart_one, &r, e);
	names_free(&names);
	return rc;
}

const struct applet applet_restart = {
	.name = "restart",
	.args = "NAME...|--all",
	.help = "Stop VMs, and start them again until each is proven ready",
	.more = "What vm.ini says by now is what starts. One that does not run is started. One\n"
		"that cannot be stopped is not.\n",
	.opts = restart_opts,
	.command_after = -1,
	.run = restart_run,
};
