/*
 * vmtool agent - the keeper of one VM. Started by start and run, never by hand.
 */
#include <stdlib.h>

#include "applets/applet.h"
#include "base/log.h"
#include "base/parse.h"
#include "host/agent.h"

enum { OPT_SINCE = OPT_LONG, OPT_TIMEOUT, OPT_FRESH, OPT_TIED, OPT_KEEP, OPT_ADOPT, OPT_STARTER };

static const struct opt agent_opts[] = {
	{ OPT_SINCE, "since", "MS", "monotonic time of the start's request" },
	{ OPT_TIMEOUT, "timeout", "TIME", "deadline of the start, from then on" },
	{ OPT_FRESH, "fresh", NULL, "remove the VM when its start comes to nothing" },
	{ OPT_TIED, "tied", NULL, "end and remove the VM when the starter hangs up" },
	{ OPT_KEEP, "keep", NULL, "do not remove a tied VM" },
	{ OPT_ADOPT, "adopt", NULL, "the VM runs, and has lost its agent" },
	{ OPT_STARTER, "starter", NULL, "and who started it asks for that" },
	{ 0 },
};

static int agent_applet_run(struct cmdline *cl, struct err *e)
{
	struct agent_ask ask = { 0 };
	int c, rc = 0;

	log_open(2, "agent", LOG_INFO);
	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		switch (c) {
		case OPT_SINCE:
			ask.since_ms = strtoll(cl->value, NULL, 10);
			break;
		case OPT_TIMEOUT:
			rc = parse_time(&ask.timeout_ms, "--timeout", cl->value, e);
			break;
		case OPT_FRESH:
			ask.fresh = 1;
			break;
		case OPT_TIED:
			ask.tied = 1;
			break;
		case OPT_KEEP:
			ask.keep = 1;
			break;
		case OPT_ADOPT:
			ask.adopt = 1;
			break;
		case OPT_STARTER:
			ask.by_starter = 1;
			break;
		default:
			return c;
		}
	}
	if (rc < 0)
		return rc;
	ask.name = operand(cl, "NAME", e);
	if (!ask.name)
		return e->code;
	rc = operands_end(cl, e);
	return rc < 0 ? rc : agent_run(&ask, e);
}

const struct applet applet_agent = {
	.name = "agent",
	.args = "NAME",
	.opts = agent_opts,
	.command_after = -1,
	.run = agent_applet_run,
};
