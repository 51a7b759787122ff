/*
 * vmtool exec - run a command in a VM; its streams, signals and exit code are ours.
 */
#include "applets/applet.h"
#include "applets/command_opts.h"

static const struct opt exec_opts[] = {
	COMMAND_OPTS,
	{ 0 },
};

static int exec_named(const char *name, struct command *c, struct err *e)
{
	struct target t = TARGET_NONE;
	int rc = target_find(&t, name, e);

	if (rc == 0)
		rc = command_run(c, &t, e);
	target_close(&t);
	return rc;
}

static int exec_run(struct cmdline *cl, struct err *e)
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
	rc = command_argv(&command, operands_command(cl), e);
	return rc < 0 ? rc : exec_named(name, &command, e);
}

const struct applet applet_exec = {
	.name = "exec",
	.args = "NAME [--] CMD [ARG]...",
	.help = "Run a command in a VM; exit with its code",
	.more = "  vmtool exec web -- sh -c 'echo $HOME; exit 3'\n\n"
		"126: not executable, 127: not found, 128+n: died from signal n, 125: vmtool failed.\n",
	.opts = exec_opts,
	.command_after = 1,
	.failure = 125,
	.run = exec_run,
};
