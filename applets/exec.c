/*
 * vmtool exec - run a command in a VM; its streams, signals and exit code are ours.
 */
#include <stdio.h>

#include "applets/applet.h"
#include "applets/command_opts.h"

static const struct opt exec_opts[] = {
	COMMAND_OPTS,
	SESSION_OPTS,
	{ 'd', "detach", NULL, "start it, print its id, and leave it running" },
	{ 0 },
};

static int exec_run(struct cmdline *cl, struct err *e)
{
	struct command command;
	const char *name;
	int rc;

	command_init(&command);
	if (command_opts(cl, &command, e) < 0)
		return e->code;
	name = operand(cl, "NAME", e);
	if (!name || command_argv(&command, operands_command(cl), e) < 0)
		return e->code;
	rc = command_run_in(&command, name, e);
	if (rc == 0 && command.is_detached)
		puts(command.id);
	return rc;
}

const struct applet applet_exec = {
	.name = "exec",
	.args = "NAME [--] CMD [ARG]...",
	.help = "Run a command in a VM; exit with its code",
	.more = "  vmtool exec web -- sh -c 'echo $HOME; exit 3'\n"
		"  vmtool exec -it web sh\n"
		"  vmtool exec --on-disconnect hold:5m web -- make\n"
		"  id=$(vmtool exec -d web -- make); vmtool attach web $id\n\n"
		"NAME is a VM's name, or unix:PATH of a guest agent. On a terminal of ours the\n"
		"command has one too, of the same size; -t gives it one of 80 by 24 even when we\n"
		"have none, and our stdin may then be a pipe, whose end is ctrl-d. The detach\n"
		"keys leave it running; all but the last of them reach it (--detach-keys\n"
		"ctrl-a,d names others). Without a terminal INT, TERM, HUP, QUIT, USR1 and USR2\n"
		"go to the command, and a second INT within a second gives up on it.\n\n"
		"With --on-disconnect hold:TIME a broken connection is made again, and nothing\n"
		"is lost, until nothing came through for that TIME or the VM has ended.\n\n"
		"124: --timeout passed, 126: not executable, 127: not found, 128+n: died from\n"
		"signal n, 125: vmtool failed.\n",
	.opts = exec_opts,
	.command_after = 1,
	.failure = 125,
	.run = exec_run,
};
