/*
 * vmtool init - process 1 of a guest.
 */
#include <stddef.h>

#include "applets/applet.h"
#include "guest/init.h"

static int init_applet_run(struct cmdline *cl, struct err *e)
{
	(void)cl; /* the kernel hands over what it did not understand of its command line */
	return init_run(e);
}

const struct applet applet_init = {
	.name = "init",
	.args = "",
	.command_after = -1,
	.run = init_applet_run,
};
