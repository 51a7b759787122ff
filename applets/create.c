/*
 * vmtool create - make a VM that is not started: its folder, its id and its vm.ini.
 */
#include <errno.h>
#include <stdio.h>

#include "applets/starting.h"
#include "base/clock.h"

enum { OPT_DRY_RUN = OPT_LONG };

struct create {
	struct wish wish;
	int dry_run;
};

static const struct opt create_opts[] = {
	MACHINE_AND_MAIN_OPTS,
	{ 'n', "name", "NAME", "as the operand NAME" },
	DRY_RUN_OPT(OPT_DRY_RUN),
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
static int create_one(const char *name, void *arg, struct err *e)
{
	const struct create *create = arg;
	struct claim k = CLAIM_NONE;
	int rc;

	if (create->dry_run)
		return print_preview(name, &create->wish, 1, e);
	k.name = name;
	k.wish = &create->wish;
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

static int take_options(struct cmdline *cl, struct names *n, struct create *create, struct err *e)
{
	struct home home = HOME_NONE;
	int c, rc = home_open(&home, 0, e);

	while (rc >= 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			rc = c;
		else if (c == 'n')
			rc = names_add(n, &home, cl->value, e);
		else if (c == OPT_DRY_RUN)
			create->dry_run = 1;
		else
			rc = machine_or_main_opt(&create->wish, c, cl->value, e);
	}
	home_close(&home);
	return rc < 0 ? rc : 0;
}

static int create_run(struct cmdline *cl, struct err *e)
{
	static struct create create; /* a wish is too large for the stack */
	struct names names = NAMES_NONE;
	int rc = take_options(cl, &names, &create, e);

	if (rc == 0)
		rc = vm_operands(&names, cl, &create.wish, e);
	if (rc == 0 && names.count == 0)
		rc = create_one(NULL, &create, e);
	else if (rc == 0)
		rc = for_each_name(cl, &names, create_one, &create, e);
	names_free(&names);
	return rc;
}

const struct applet applet_create = {
	.name = "create",
	.args = "[NAME]... [-- CMD [ARG]...]",
	.help = "Make VMs that are not started yet, and print their names",
	.more = "Takes what `vmtool start` takes, and keeps it in vm.ini for the start to come.\n"
		"Without a NAME, two random words are one. There must be no VM of that name.\n\n"
		"  vmtool create web --initrd ./initrd --memory 512M\n"
		"  vmtool start web\n",
	.opts = create_opts,
	.command_after = -1,
	.run = create_run,
};
