/*
 * vmtool rm - remove VMs: configuration, logs, disks.
 */
#include <errno.h>
#include <stdio.h>

#include "applets/several.h"
#include "host/mend.h"
#include "host/removal.h"
#include "host/seize.h"
#include "host/state.h"

enum { OPT_DRY_RUN = OPT_LONG };

static const struct opt rm_opts[] = {
	ALL_OPT("all there are"),
	{ 'f', "force", NULL, "kill it first when it runs; absent is fine" },
	{ OPT_DRY_RUN, "dry-run", NULL, "only tell which would go" },
	{ 0 },
};

static int refuse_running(const struct vmref *vm, struct err *e)
{
	return err_set(e, -EBUSY, "%s: is running\n  try: vmtool stop %s, or vmtool rm -f %s", vm->name,
		       vm->name, vm->name);
}

static int seize_to_remove(struct vmref *vm, int force, struct err *e)
{
	int rc = seize(vm, force, e);

	return rc == -EBUSY ? refuse_running(vm, e) : rc;
}

struct rm {
	int force, dry_run;
	enum whom whom;
};

/* Refused is what would be, and its lock is nobody's affair. */
static int would_go(struct vmref *vm, int force, struct err *e)
{
	struct err damaged = ERR_NONE; /* one that is goes all the same */
	struct state s;

	if (!force && mend_read(&s, vm, &damaged) == 0 && state_is_live(s.state))
		return refuse_running(vm, e);
	puts(vm->name);
	return 0;
}

static int remove_one(const char *name, void *arg, struct err *e)
{
	const struct rm *r = arg;
	struct home home = HOME_NONE;
	struct vmref vm = VMREF_NONE;
	int rc = home_open(&home, 0, e);

	if (rc == 0)
		rc = store_find(&vm, &home, name, e);
	if (rc == 0 && r->dry_run) {
		rc = would_go(&vm, r->force, e);
	} else if (rc == 0) {
		rc = seize_to_remove(&vm, r->force, e);
		if (rc == 0)
			rc = removal_of(&vm, e);
	}
	store_close(&vm);
	home_close(&home);
	/* Of two who remove it, the second finds it gone. */
	return (rc == -ENOENT || rc == -ESTALE) && r->force ? 0 : rc;
}

static int rm_run(struct cmdline *cl, struct err *e)
{
	struct rm r = { .whom = NAMED };
	int c;

	while ((c = opt_next(cl, e)) > 0) {
		r.force |= c == 'f';
		r.dry_run |= c == OPT_DRY_RUN;
		if (c == 'a')
			r.whom = ALL;
	}
	return c < 0 ? c : for_each_of(cl, r.whom, remove_one, &r, e);
}

const struct applet applet_rm = {
	.name = "rm",
	.args = "NAME...|--all",
	.help = "Remove VMs with all that belongs to them",
	.opts = rm_opts,
	.command_after = -1,
	.run = rm_run,
};
