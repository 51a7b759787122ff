/*
 * vmtool start - start a VM; return when it is proven ready.
 */
#include <inttypes.h>
#include <stdio.h>

#include "applets/applet.h"
#include "applets/machine_opts.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/launch.h"

enum { OPT_TIMEOUT = OPT_LONG };

static const struct opt start_opts[] = {
	MACHINE_OPTS,
	{ OPT_TIMEOUT, "timeout", "TIME", "deadline for being ready (default 60s)" },
	{ 'q', "quiet", NULL, "do not tell the stages" },
	{ 0 },
};

static int report(const struct launch *l, int running)
{
	if (running)
		fprintf(stderr, "%s: is already running, and ready\n", l->claim.vm.name);
	else if (l->ask->stages)
		fprintf(stderr, "ready in %" PRId64 " ms\n", l->ready_ms);
	puts(l->claim.vm.name);
	return 0;
}

static int start_run(struct cmdline *cl, struct err *e)
{
	struct wish wish = { 0 };
	struct launch_ask ask = { .wish = &wish, .timeout_ms = 60000, .stages = 1 };
	struct launch l = LAUNCH_NONE;
	int c, running, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == OPT_TIMEOUT)
			rc = parse_time(&ask.timeout_ms, "--timeout", cl->value, e);
		else if (c == 'q')
			ask.stages = 0;
		else
			rc = MIN(machine_opt(&wish, c, cl->value, e), 0);
	}
	if (rc < 0)
		return rc;
	ask.name = operand(cl, "NAME", e);
	if (!ask.name)
		return e->code;
	rc = operands_end(cl, e);
	if (rc == 0)
		rc = parse_name(ask.name, e);
	if (rc < 0)
		return rc;

	running = rc = launch_start(&l, &ask, e);
	if (rc == 0)
		rc = launch_until_ready(&l, e);
	if (rc >= 0)
		rc = report(&l, running);
	launch_close(&l);
	return rc;
}

const struct applet applet_start = {
	.name = "start",
	.args = "NAME",
	.help = "Start a VM and wait until it is proven ready",
	.more = "A new name makes a new VM, whose options are kept in its vm.ini. Of one that exists\n"
		"the options given here are changed, the others stay. Starting a VM that runs is fine.\n"
		"\n"
		"  vmtool start web --kernel ./vmlinux --initrd ./initrd --memory 512M\n",
	.opts = start_opts,
	.command_after = -1,
	.run = start_run,
};
