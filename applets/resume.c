/*
 * vmtool resume - let a VM that is paused go on.
 */
#include "applets/pausing.h"

static const struct opt resume_opts[] = {
	ALL_OPT("all that live"),
	{ 'q', "quiet", NULL, "do not tell what was done" },
	{ 0 },
};

static int resume_run(struct cmdline *cl, struct err *e)
{
	struct pausing p = { .op = "resume", .after = VM_RUNNING };

	return pausing_run(cl, &p, e);
}

const struct applet applet_resume = {
	.name = "resume",
	.args = "NAME...|--all",
	.help = "Let VMs that are paused go on",
	.more = "Resuming one that runs is fine.\n",
	.opts = resume_opts,
	.command_after = -1,
	.run = resume_run,
};
