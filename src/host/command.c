/*
 * command - one command for a running VM's guest, from what a person asked to its exit code.
 */
#include "host/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/session.h"
#include "proto/ports.h"

void command_init(struct command *c)
{
	c->request = (struct exec_req){ .flags = EXEC_STDIN, .id = "", .user = "", .cwd = "" };
}

static int add_env(struct command *c, const char *text, struct err *e)
{
	struct exec_req *q = &c->request;

	if (q->envc == EXEC_ARGS_MAX)
		return err_usage(e, "--env: more than %d", EXEC_ARGS_MAX);
	q->env[q->envc++] = text;
	q->env[q->envc] = NULL;
	return 0;
}

int command_env(struct command *c, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	size_t len = strlen(text);

	if (len == 0 || equals == text)
		return err_usage(e, "--env: '%s' is not KEY=VALUE, nor KEY", text);
	if (equals)
		return add_env(c, text, e);
	for (char **at = environ; *at; at++)
		if (!strncmp(*at, text, len) && (*at)[len] == '=')
			return add_env(c, *at, e);
	return 0; /* what is not set here stays unset there */
}

int command_argv(struct command *c, char **argv, struct err *e)
{
	struct exec_req *q = &c->request;

	if (!argv[0])
		return err_usage(e, "no command: write it behind the options, as in -- uname -a");
	if (argv[0][0] == '\0')
		return err_usage(e, "the command's name is empty");
	while (argv[q->argc]) {
		if (q->argc == EXEC_ARGS_MAX)
			return err_usage(e, "the command has more than %d arguments",
					 EXEC_ARGS_MAX);
		q->argv[q->argc] = argv[q->argc];
		q->argc++;
	}
	return 0;
}

static int name_the_vm(struct command *c, const struct target *t, struct err *e)
{
	int rc;

	if (!t->boot[0])
		return 0; /* it has no VM of ours, and knows itself who it is */
	snprintf(c->vm, sizeof(c->vm), "VMTOOL_VM=%s", t->name);
	snprintf(c->boot, sizeof(c->boot), "VMTOOL_BOOT_ID=%s", t->boot);
	rc = add_env(c, c->vm, e);
	return rc < 0 ? rc : add_env(c, c->boot, e);
}

int command_run(struct command *c, const struct target *t, struct err *e)
{
	int conn = -1, rc;

	rc = name_the_vm(c, t, e);
	if (rc < 0)
		return rc;
	rc = conn = target_dial(t, PORT_EXEC, e);
	if (rc >= 0)
		rc = session_run(conn, &c->request, e);
	if (rc < 0)
		err_in(e, "%s", t->name);
	/* Ours, not the command's: a deadline in here is no deadline of the command. */
	if (rc < 0 && e->exit == 124)
		e->exit = 0;
	fd_close(&conn);
	return rc;
}
