/*
 * vmtool create - make a VM that is not started: its folder, its id and its vm.ini.
 */
#include <errno.h>
#include <stdio.h>

#include "applets/starting.h"
#include "base/clock.h"

static const struct opt create_opts[] = {
	MACHINE_AND_MAIN_OPTS,
	{ 'n', "name", "NAME", "as the operand NAME" },
	{ 0 },
};

static int create_owned(struct claim *k, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct config c;
	int rc = config_load(&c, &k->vm, k->wish, e);

	if (rc == 0)
		rc = claim_check_files(&c, &k->home, e);
	if (rc == 0)
		rc = config_save(&c, &k->vm, e);
	if (rc < 0)
		store_remove(&k->vm, &ignored);
	return rc;
}

/* NULL: a name of two random words. */
static int create_one(const char *name, void *wish, struct err *e)
{
	struct claim k = CLAIM_NONE;
	int rc;

	k.name = name;
	k.wish = wish;
	k.must_be_new = 1;
	k.deadline_ms = clock_ms();
	rc = claim_check(&k, e);
	if (rc == 0)
		rc = claim_take(&k, e);
	if (rc == 0)
		rc = create_owned(&k, e);
	if (rc == 0)
		puts(k.vm.name);
	claim_close(&k);
	return rc;
}

static int take_options(struct cmdline *cl, struct names *n, struct wish *wish, struct err *e)
{
	struct home home = HOME_NONE;
	int c, rc = home_open(&home, 0, e);

	while (rc >= 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			rc = c;
		else if (c == 'n')
			rc = names_add(n, &home, cl->value, e);
		else
			rc = machine_or_main_opt(wish, c, cl->value, e);
	}
	home_close(&home);
	return rc < 0 ? rc : 0;
}

static int create_run(struct cmdline *cl, struct err *e)
{
	static struct wish wish;
	struct names names = NAMES_NONE;
	int rc = take_options(cl, &names, &wish, e);

	if (rc == 0)
		rc = vm_operands(&names, cl, &wish, e);
	if (rc == 0 && names.count == 0)
		rc = create_one(NULL, &wish, e);
	else if (rc == 0)
		rc = for_each_name(cl, &names, create_one, &wish, e);
	names_free(&names);
	return rc;
}

const struct applet applet_create = {
	.name = "create",
	.args = "[NAME]... [-- CMD [ARG]...]",
	.help = "Make VMs that are not started yet, and print their names",
	.more = "Takes what `vmtool start` takes, and keeps it in vm.ini for the start to come. Without a\n"
		"NAME, two random words are one. There must be no VM of that name.\n"
		"\n"
		"  vmtool create web --initrd ./initrd --memory 512M\n"
		"  vmtool start web\n",
	.opts = create_opts,
	.command_after = -1,
	.run = create_run,
};
