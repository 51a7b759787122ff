/*
 * vmtool run - a VM for one command: boot, run it as the main process, remove.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "applets/command_opts.h"
#include "applets/machine_opts.h"
#include "base/parse.h"
#include "host/agent.h"
#include "host/launch.h"

enum { OPT_NAME = OPT_LONG, OPT_KEEP, OPT_TIMEOUT, OPT_VERBOSE, OPT_READY_FD };

enum {
	END_MS = STOP_MS + 10000, /* the agent insists before: this is for one that hangs */
	LOST_MS = 2000, /* a VM that took its connections with it is known to be dead by then */
};

static const struct opt run_opts[] = {
	MACHINE_OPTS,
	COMMAND_OPTS,
	{ OPT_NAME, "name", "NAME", "the VM's name (default: two random words)" },
	{ OPT_KEEP, "keep", NULL, "do not remove the VM afterwards" },
	{ OPT_TIMEOUT, "timeout", "TIME", "deadline for being ready (default 60s)" },
	{ OPT_READY_FD, "ready-fd", "N", "write the line \"ready\" to this descriptor when it is so" },
	{ OPT_VERBOSE, "verbose", NULL, "tell the stages of the start" },
	{ 0 },
};

/* We do not see how the command ends: the VM's end may say it, or at least why nobody knows. */
static int explain_loss(struct launch *l, unsigned wait_ms, struct err *e)
{
	struct err unknown = ERR_NONE;

	if (launch_until_end(l, wait_ms, &unknown) < 0)
		return e->code;
	if (l->leash.end.has_status)
		return l->leash.end.status;
	return err_set(e, -ECONNRESET, "%s: the VM ended under the command: %s%s%s",
		       l->claim.vm.name, l->leash.end.reason, l->leash.end.detail[0] ? ": " : "", l->leash.end.detail);
}

/* Whoever attached has its streams now. The VM is still ours: it ends with us, and we with it. */
static int await_end(struct launch *l, struct err *e)
{
	fprintf(stderr, "vmtool: %s: somebody has attached to the command; waiting for its end\n",
		l->claim.vm.name);
	return explain_loss(l, LAUNCH_FOREVER, e);
}

static int run_main(struct launch *l, struct command *c, struct err *e)
{
	struct target t = TARGET_NONE;
	struct state s;
	int code, rc = state_read(&s, &l->claim.vm, e);

	if (rc == 0)
		rc = target_vm(&t, &l->claim.vm, &s, e);
	c->request.flags |= EXEC_MAIN;
	c->request.id = EXEC_ID_OF_MAIN;
	code = rc < 0 ? rc : command_run(c, &t, e);
	target_close(&t);
	if (c->was_taken_over)
		return await_end(l, e);
	if (code == -ECONNRESET)
		return explain_loss(l, LOST_MS, e);
	if (code < 0)
		return code; /* it never began, so nothing will end the VM but us */
	rc = launch_until_end(l, END_MS, e);
	return rc < 0 ? rc : code;
}

static int take_options(struct cmdline *cl, struct launch_ask *ask, struct wish *wish,
			struct command *command, struct err *e)
{
	int c, rc = 0;

	while (rc >= 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		rc = machine_opt(wish, c, cl->value, e);
		if (rc == 0)
			rc = command_opt(command, c, cl->value, e);
		switch (rc == 0 ? c : 0) {
		case OPT_NAME:
			ask->name = cl->value;
			rc = parse_name(ask->name, e);
			break;
		case OPT_KEEP:
			ask->keep = 1;
			break;
		case OPT_TIMEOUT:
			rc = parse_time(&ask->timeout_ms, "--timeout", cl->value, e);
			break;
		case OPT_READY_FD:
			rc = launch_ready_fd(&ask->ready_fd, cl->value, e);
			break;
		case OPT_VERBOSE:
			ask->stages = 1;
			break;
		}
	}
	return rc < 0 ? rc : command_argv(command, operands_command(cl), e);
}

static int run_run(struct cmdline *cl, struct err *e)
{
	static struct wish wish;
	struct launch_ask ask = { .wish = &wish, .timeout_ms = 60000, .tied = 1, .must_be_new = 1 };
	struct launch l = LAUNCH_NONE;
	struct command command;
	int rc;

	command_init(&command);
	command.keys.count = 0; /* the VM is ours: nobody can leave it running */
	rc = take_options(cl, &ask, &wish, &command, e);
	if (rc < 0)
		return rc;
	rc = launch_start(&l, &ask, e);
	if (rc == 0)
		rc = launch_until_ready(&l, e);
	if (rc == 0)
		launch_tell_degraded(&l);
	if (rc == 0)
		rc = run_main(&l, &command, e);
	launch_close(&l);
	return rc;
}

const struct applet applet_run = {
	.name = "run",
	.args = "[--] CMD [ARG]...",
	.help = "Run a command in a VM made for it, and exit with its code",
	.more = "  vmtool run --kernel ./vmlinux --initrd ./initrd -- uname -a\n",
	.opts = run_opts,
	.command_after = 0,
	.failure = 125,
	.run = run_run,
};
