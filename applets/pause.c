/*
 * vmtool pause - hold a VM as it is.
 */
#include "applets/pausing.h"

static const struct opt pause_opts[] = {
	ALL_OPT("all that live"),
	{ 'q', "quiet", NULL, "do not tell what was done" },
	{ 0 },
};

static int pause_run(struct cmdline *cl, struct err *e)
{
	struct pausing p = { .op = "pause", .after = VM_PAUSED };

	return pausing_run(cl, &p, e);
}

const struct applet applet_pause = {
	.name = "pause",
	.args = "NAME...|--all",
	.help = "Hold VMs as they are: their CPUs stand still until `resume`",
	.more = "Connections to it stay, and wait. The guest's clock is set right when it goes\n"
		"on. Pausing one that is paused is fine.\n",
	.opts = pause_opts,
	.command_after = -1,
	.run = pause_run,
};
