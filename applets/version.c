/*
 * vmtool version - which vmtool this is.
 */
#include <stdio.h>

#include "applets/applet.h"
#include "base/version.h"

static int version_run(struct cmdline *cl, struct err *e)
{
	int rc = cmdline_end(cl, e);

	if (rc < 0)
		return rc;
	printf("vmtool %s\n", vmtool_version);
	return 0;
}

const struct applet applet_version = {
	.name = "version",
	.args = "",
	.help = "Print vmtool's version",
	.command_after = -1,
	.run = version_run,
};
