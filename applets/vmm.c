/*
 * vmtool vmm - the machine itself; the agent starts it with descriptors in place.
 */
#include "vmm/vmm.h"
#include "applets/applet.h"

static int vmm_run(struct cmdline *cl, struct err *e)
{
	int rc = cmdline_end(cl, e);

	return rc < 0 ? rc : vmm_main();
}

const struct applet applet_vmm = {
	.name = "vmm",
	.args = "",
	.command_after = -1,
	.run = vmm_run,
};
