/*
 * vmtool shell - the login shell of a user in a VM, on our terminal.
 */
#include "applets/applet.h"
#include "applets/command_opts.h"

static const struct opt shell_opts[] = {
	COMMAND_OPTS,
	SESSION_OPTS,
	{ 0 },
};

static int shell_run(struct cmdline *cl, struct err *e)
{
	struct command command;
	const char *name;

	command_init(&command);
	if (command_opts(cl, &command, e) < 0)
		return e->code;
	name = operand(cl, "NAME", e);
	if (!name || command_login(&command, operands_command(cl), e) < 0)
		return e->code;
	return command_run_in(&command, name, e);
}

const struct applet applet_shell = {
	.name = "shell",
	.args = "NAME [[--] CMD [ARG]...]",
	.help = "Open a login shell in a VM; exit with its code",
	.more = "  vmtool shell web\n"
		"  vmtool shell -u guest web\n"
		"  vmtool shell web -- make test      (with what the shell's profile sets)\n"
		"  vmtool shell web <script\n\n"
		"The shell is that of the user in the guest's /etc/passwd, else /bin/sh. Without\n"
		"a terminal it reads our stdin from a pipe. TERM and COLORTERM are passed on\n"
		"with a terminal; LANG and others are the guest's, unless -e passes them. Exit\n"
		"codes are those of exec.\n",
	.opts = shell_opts,
	.command_after = 1,
	.failure = 125,
	.run = shell_run,
};
