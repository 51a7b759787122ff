/*
 * vmtool logs - what a VM's console has said.
 */
#include "applets/applet.h"
#include "host/follow.h"
#include "host/store.h"

static const struct opt logs_opts[] = {
	{ 'f', "follow", NULL, "go on until the VM has ended" },
	{ 0 },
};

static int logs_run(struct cmdline *cl, struct err *e)
{
	struct home home = HOME_NONE;
	struct vmref vm = VMREF_NONE;
	const char *name;
	int c, follow = 0, rc;

	while ((c = opt_next(cl, e)) > 0)
		follow |= c == 'f';
	if (c < 0)
		return c;
	name = operand_alone(cl, "NAME", e);
	if (!name)
		return e->code;
	rc = home_open(&home, 0, e);
	if (rc == 0)
		rc = store_find(&vm, &home, name, e);
	if (rc == 0)
		rc = follow_console(&vm, 1, follow, e);
	store_close(&vm);
	home_close(&home);
	return rc;
}

const struct applet applet_logs = {
	.name = "logs",
	.args = "NAME",
	.help = "Print what a VM's console has said",
	.opts = logs_opts,
	.command_after = -1,
	.run = logs_run,
};
