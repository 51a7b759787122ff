/*
 * vmtool attach - go back to a command that runs in a VM.
 */
#include "applets/applet.h"
#include "base/err.h"
#include "host/command.h"

enum { OPT_KEYS = OPT_LONG, OPT_NO_REPLAY };

static const struct opt attach_opts[] = {
	{ OPT_KEYS, "detach-keys", "KEYS",
	  "leave a terminal by them (default " DETACHKEYS_DEFAULT "); none" },
	{ OPT_NO_REPLAY, "no-replay", NULL, "only what it says from now on" },
	{ 0 },
};

static int attach_run(struct cmdline *cl, struct err *e)
{
	struct exec_attach a = { 0 };
	struct command command;
	const char *name;
	int c, rc = 0;

	command_init(&command);
	while (rc >= 0 && (c = opt_next(cl, e)) > 0) {
		if (c == OPT_KEYS)
			rc = detachkeys_parse(&command.keys, cl->value, e);
		else
			a.out_seen = a.err_seen = EXEC_SEEN_ALL;
	}
	if (rc < 0 || c < 0)
		return e->code;
	name = operand(cl, "NAME", e);
	if (!name)
		return e->code;
	a.id = operand_or_none(cl);
	if (!a.id)
		a.id = EXEC_ID_OF_MAIN;
	rc = operands_end(cl, e);
	if (rc == 0 && !exec_id_is_valid(a.id))
		rc = err_usage(e, "'%s' is not a session's id", a.id);
	return rc < 0 ? rc : command_attach_in(&command, name, &a, e);
}

const struct applet applet_attach = {
	.name = "attach",
	.args = "NAME [ID]",
	.help = "Go back to a command that runs in a VM; exit with its code",
	.more = "  vmtool attach web                  (its main process)\n"
		"  id=$(vmtool exec -d web -- make); vmtool attach web $id\n\n"
		"First comes what the session has kept of its output, and on stderr how much it\n"
		"has not. Whoever was attached before is let go. When the connection breaks it\n"
		"is made again, until nothing came through for a minute or the VM has ended. The\n"
		"detach keys, and INT, TERM, HUP or QUIT, leave the command running; all but the\n"
		"last of the keys reach it. Other keys: --detach-keys ctrl-a,d; or none.\n",
	.opts = attach_opts,
	.command_after = -1,
	.failure = 125,
	.run = attach_run,
};
