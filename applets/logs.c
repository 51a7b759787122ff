/*
 * vmtool logs - what a VM's console has said, or its agent, or its scripts.
 */
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/console.h"
#include "host/follow.h"
#include "host/mend.h"

enum { OPT_BOOT = OPT_LONG, OPT_SOURCE };

static const struct opt logs_opts[] = {
	{ 'f', "follow", NULL, "go on until the VM has ended" },
	{ 'n', "tail", "LINES", "the last lines alone" },
	{ OPT_BOOT, "boot", NULL, "what the console has said since the latest start alone" },
	{ OPT_SOURCE, "source", "LOG", "console (the default), agent or provision" },
	{ 0 },
};

static const struct {
	const char *word, *file;
} sources[] = {
	{ "console", "console.log" },
	{ "agent", "agent.log" },
	{ "provision", "provision.log" },
};

struct logs {
	struct follow_ask ask;
	int boot;
};

static int take_source(struct logs *l, const char *word, struct err *e)
{
	for (size_t i = 0; i < COUNT(sources); i++)
		if (strcmp(sources[i].word, word) == 0) {
			l->ask.file = sources[i].file;
			return 0;
		}
	return err_usage(e, "--source: '%s' is none of console, agent, provision", word);
}

static int take_options(struct logs *l, struct cmdline *cl, struct err *e)
{
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		l->ask.on |= c == 'f';
		l->boot |= c == OPT_BOOT;
		if (c == 'n')
			rc = parse_u32(&l->ask.tail, "--tail", cl->value, 0, FOLLOW_ALL - 1, e);
		if (c == OPT_SOURCE)
			rc = take_source(l, cl->value, e);
	}
	if (rc == 0 && l->boot && strcmp(l->ask.file, console_file) != 0)
		return err_usage(e, "--boot is for the console: the other logs do not say where a start begins");
	return rc;
}

static int print_log(struct logs *l, struct vmref *vm, struct err *e)
{
	struct state s;
	int rc = l->boot ? mend_read(&s, vm, e) : 0;

	if (rc < 0)
		return rc;
	if (l->boot)
		l->ask.from = (off_t)s.console_from;
	return follow_log(vm, &l->ask, 1, e);
}

static int logs_run(struct cmdline *cl, struct err *e)
{
	struct logs l = { .ask = { .file = console_file, .tail = FOLLOW_ALL } };
	struct home home = HOME_NONE;
	struct vmref vm = VMREF_NONE;
	int rc = take_options(&l, cl, e);
	const char *name = rc == 0 ? operand_alone(cl, "NAME", e) : NULL;

	if (!name)
		return e->code;
	rc = home_open(&home, 0, e);
	if (rc == 0)
		rc = store_find(&vm, &home, name, e);
	if (rc == 0)
		rc = print_log(&l, &vm, e);
	store_close(&vm);
	home_close(&home);
	return rc;
}

const struct applet applet_logs = {
	.name = "logs",
	.args = "NAME",
	.help = "Print what a VM's console has said, its agent, or its scripts",
	.more = "A console's lines have no times of their own: `vmtool events` says when what\n"
		"happened.\n\n"
		"  vmtool logs -f -n 20 web\n"
		"  vmtool logs --boot web | grep -i error\n"
		"  vmtool logs --source provision web\n",
	.opts = logs_opts,
	.command_after = -1,
	.run = logs_run,
};
