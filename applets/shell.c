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

static int shell_in(const char *name, struct command *c, struct err *e)
{
	struct target t = TARGET_NONE;
	int rc = target_find(&t, name, e);

	if (rc == 0)
		rc = command_run(c, &t, e);
	target_close(&t);
	return rc;
}

static int shell_run(struct cmdline *cl, struct err *e)
{
	struct command command;
	const char *name;
	int c, rc = 0;

	command_init(&command);
	while (rc >= 0 && (c = opt_next(cl, e)) != 0)
		rc = c < 0 ? c : command_opt(&command, c, cl->value, e);
	if (rc < 0)
		return rc;
	name = operand(cl, "NAME", e);
	if (!name)
		return e->code;
	rc = command_login(&command, operands_command(cl), e);
	return rc < 0 ? rc : shell_in(name, &command, e);
}

const struct applet applet_shell = {
	.name = "shell",
	.args = "NAME [[--] CMD [ARG]...]",
	.help = "Open a login shell in a VM; exit with its code",
	.more = "  vmtool shell web\n"
		"  vmtool shell -u guest web\n"
		"  vmtool shell web -- make test      (with what the shell's profile sets)\n"
		"  vmtool shell web <script\n\n"
		"The shell is that of the user in the guest's /etc/passwd, else /bin/sh. Without a terminal\n"
		"it reads our stdin from a pipe. TERM and COLORTERM are passed on with a terminal; LANG\n"
		"and others are the guest's, unless -e passes them. Exit codes are those of exec.\n",
	.opts = shell_opts,
	.command_after = 1,
	.failure = 125,
	.run = shell_run,
};
