/*
 * vmtool console - our terminal at a VM's serial line.
 */
#include "applets/applet.h"
#include "host/consoleline.h"

enum { OPT_KEYS = OPT_LONG };

static const struct opt console_opts[] = {
	{ OPT_KEYS, "detach-keys", "KEYS", "leave by them (default " DETACHKEYS_DEFAULT "); none" },
	{ 'r', "read-only", NULL, "only look: what is typed goes nowhere" },
	{ 0 },
};

static int console_run(struct cmdline *cl, struct err *e)
{
	struct consoleline_ask ask = { 0 };
	int c = 0, rc = detachkeys_parse(&ask.keys, DETACHKEYS_DEFAULT, e);

	while (rc >= 0 && (c = opt_next(cl, e)) > 0) {
		if (c == 'r')
			ask.only_look = 1;
		else
			rc = detachkeys_parse(&ask.keys, cl->value, e);
	}
	if (rc < 0 || c < 0)
		return e->code;
	ask.name = operand_alone(cl, "NAME", e);
	return ask.name ? consoleline_run(&ask, e) : e->code;
}

const struct applet applet_console = {
	.name = "console",
	.args = "NAME",
	.help = "Sit down at a VM's serial console, beside whoever is there",
	.more = "  vmtool console web                 (a login, where the guest has one there)\n"
		"  vmtool console -r web | tee boot.log\n\n"
		"What the guest says appears from now on (`vmtool logs` has the rest); what is\n"
		"typed is the guest's, ctrl-c included. Several may sit there, also while the VM\n"
		"starts. It ends, with 0, by the detach keys (ctrl-p,ctrl-q) and when the VM has\n"
		"ended; a reboot it outlives.\n",
	.opts = console_opts,
	.command_after = -1,
	.run = console_run,
};
