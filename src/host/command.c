/*
 * command - one command for a running VM's guest, from what a person asked to its exit code.
 */
#include "host/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/util.h"
#include "host/tty.h"
#include "proto/ports.h"

enum { HOLD_MS = 60000 };

void command_init(struct command *c)
{
	struct err e;

	*c = (struct command){ .request = { .flags = EXEC_STDIN, .user = "", .cwd = "" } };
	c->request.id = c->id;
	detachkeys_parse(&c->keys, DETACHKEYS_DEFAULT, &e);
}

/* --- what was asked for --- */

static int add_env(struct command *c, const char *text, struct err *e)
{
	struct exec_req *q = &c->request;

	if (q->envc == EXEC_ARGS_MAX)
		return err_usage(e, "--env: more than %d", EXEC_ARGS_MAX);
	q->env[q->envc++] = text;
	q->env[q->envc] = NULL;
	return 0;
}

/* Our own KEY=VALUE, or NULL. */
static const char *find_env(char *const *env, const char *key, size_t len)
{
	for (; *env; env++)
		if (!strncmp(*env, key, len) && (*env)[len] == '=')
			return *env;
	return NULL;
}

/* As it is here, unless it was said. What is not set here stays unset there. */
static int inherit_env(struct command *c, const char *key, struct err *e)
{
	size_t len = strlen(key);
	const char *ours = find_env(environ, key, len);

	if (!ours || find_env((char *const *)c->request.env, key, len))
		return 0;
	return add_env(c, ours, e);
}

int command_env(struct command *c, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');

	if (!*text || equals == text)
		return err_usage(e, "--env: '%s' is not KEY=VALUE, nor KEY", text);
	return equals ? add_env(c, text, e) : inherit_env(c, text, e);
}

int command_id(struct command *c, const char *text, struct err *e)
{
	if (!exec_id_is_valid(text))
		return err_usage(e, "--id: '%s' is not 1 to %d letters, digits, '.', '_', '-'",
				 text, EXEC_ID_MAX - 1);
	snprintf(c->id, sizeof(c->id), "%s", text);
	return 0;
}

int command_on_disconnect(struct command *c, const char *text, struct err *e)
{
	struct exec_req *q = &c->request;

	c->has_policy = 1;
	q->hold_ms = HOLD_MS;
	if (!strcmp(text, "kill"))
		q->policy = EXEC_KILL;
	else if (!strcmp(text, "detach"))
		q->policy = EXEC_DETACH;
	else if (!strcmp(text, "hold") || !strncmp(text, "hold:", 5))
		q->policy = EXEC_HOLD;
	else
		return err_usage(e, "--on-disconnect: '%s' is not kill, detach or hold[:TIME]",
				 text);
	if (q->policy != EXEC_HOLD)
		q->hold_ms = 0;
	else if (text[4])
		return parse_time(&q->hold_ms, "--on-disconnect hold", text + 5, e);
	return 0;
}

/* A name nobody else has: whoever repeats the request means this command and no other. */
static int make_id(struct command *c, struct err *e)
{
	uint32_t random;

	if (c->id[0] || c->request.policy == EXEC_KILL)
		return 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "random bytes for the session's id");
	snprintf(c->id, sizeof(c->id), "x%08" PRIx32, random);
	return 0;
}

static int settle_detached(struct command *c, struct err *e)
{
	struct exec_req *q = &c->request;

	if (!c->is_detached)
		return 0;
	if (c->has_policy && q->policy == EXEC_KILL)
		return err_usage(e, "--detach: a command that is left cannot be killed when left");
	if (c->timeout_ms)
		return err_usage(e, "--detach: nobody would be there to see the --timeout pass");
	if (!c->has_policy)
		q->policy = EXEC_DETACH;
	if (!c->is_interactive)
		q->flags &= (uint16_t)~EXEC_STDIN;
	return 0;
}

/* Only what describes the terminal: what the guest's programs say is the guest's affair. */
static int settle_tty(struct command *c, struct err *e)
{
	struct exec_req *q = &c->request;
	struct tty tty;
	int rc;

	if (c->tty == COMMAND_NO_TTY ||
	    (c->tty == COMMAND_TTY_AUTO && (c->is_detached || !tty_is_everywhere())))
		return 0;
	tty_init(&tty);
	q->flags |= EXEC_TTY;
	q->rows = tty.rows;
	q->cols = tty.cols;
	rc = inherit_env(c, "TERM", e);
	return rc < 0 ? rc : inherit_env(c, "COLORTERM", e);
}

static int settle_all(struct command *c, struct err *e)
{
	int rc = settle_detached(c, e);

	if (rc == 0)
		rc = settle_tty(c, e);
	return rc < 0 ? rc : make_id(c, e);
}

static int add_args(struct command *c, char *const *argv, struct err *e)
{
	struct exec_req *q = &c->request;

	for (; *argv; argv++) {
		if (q->argc == EXEC_ARGS_MAX)
			return err_usage(e, "the command has more than %d arguments",
					 EXEC_ARGS_MAX);
		q->argv[q->argc++] = *argv;
	}
	return settle_all(c, e);
}

int command_argv(struct command *c, char **argv, struct err *e)
{
	if (!argv[0])
		return err_usage(e, "no command: write it behind the options, as in -- uname -a");
	if (argv[0][0] == '\0')
		return err_usage(e, "the command's name is empty");
	return add_args(c, argv, e);
}

int command_login(struct command *c, char **argv, struct err *e)
{
	/* The command's own words are never the shell's to read: they come as its arguments. */
	static const char *const through[] = { "-", "-c", "exec \"$0\" \"$@\"" };
	size_t count = argv[0] ? COUNT(through) : 1;

	memcpy(c->request.argv, through, count * sizeof(through[0]));
	c->request.argc = (uint32_t)count;
	return add_args(c, argv, e);
}

/* --- and what became of it --- */

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

static void report(const struct command *c, const struct target *t, const struct session_end *end)
{
	if (end->was_left && end->id[0] && !c->is_detached)
		fprintf(stderr, "\nvmtool: %s: left %s running; vmtool attach %s %s goes back\n",
			t->name, end->id, t->name, end->id);
	/* A KILL out of nowhere is a riddle to everybody: this is its answer. */
	if (end->notes & EXEC_OOM_KILLED)
		fprintf(stderr, "vmtool: %s: the guest ran out of memory and killed in it\n",
			t->name);
	if (end->notes & EXEC_PIPES_OPEN && c->is_verbose)
		fprintf(stderr,
			"vmtool: %s: a process that it left behind still holds its output\n",
			t->name);
}

static int run(struct command *c, const struct target *t, uint32_t port, struct session_how *how,
	       struct err *e)
{
	struct session_end end;
	int conn = target_dial(t, port, e), rc;

	if (conn < 0) {
		e->exit = 0; /* our deadline, not the command's */
		return err_in(e, "%s", t->name);
	}
	how->keys = c->keys;
	how->timeout_ms = c->timeout_ms;
	how->target = t;
	how->port = port;
	rc = session_run(conn, how, &end, e);
	snprintf(c->id, sizeof(c->id), "%s", end.id);
	c->was_taken_over = end.was_taken_over;
	report(c, t, &end);
	return rc < 0 ? err_in(e, "%s", t->name) : rc;
}

int command_run(struct command *c, const struct target *t, struct err *e)
{
	struct session_how how = { .start = &c->request,
				   .only_start = c->is_detached,
				   .hold_ms = c->request.hold_ms };
	int rc = name_the_vm(c, t, e);

	return rc < 0 ? rc : run(c, t, c->request.flags & EXEC_TTY ? PORT_PTY : PORT_EXEC, &how, e);
}

int command_run_in(struct command *c, const char *name, struct err *e)
{
	struct target t = TARGET_NONE;
	int rc = target_find(&t, name, e);

	if (rc == 0)
		rc = command_run(c, &t, e);
	target_close(&t);
	return rc;
}

static int attach(struct command *c, const struct target *t, const struct exec_attach *a,
		  struct err *e)
{
	struct session_how how = { .attach = a, .hold_ms = HOLD_MS };
	int rc = run(c, t, PORT_PTY, &how, e); /* either port knows all sessions */

	return rc < 0 ? err_in(e, "%s", a->id) : rc;
}

int command_attach_in(struct command *c, const char *name, const struct exec_attach *a,
		      struct err *e)
{
	struct target t = TARGET_NONE;
	int rc = target_find(&t, name, e);

	if (rc == 0)
		rc = attach(c, &t, a, e);
	target_close(&t);
	return rc;
}
