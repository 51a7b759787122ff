/*
 * vmtool rm - remove VMs: configuration, logs, disks.
 */
#include <errno.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "host/keeper.h"
#include "host/wreck.h"

static const struct opt rm_opts[] = {
	{ 'f', "force", NULL, "kill it first when it runs; absent is fine" },
	{ 0 },
};

static int take(struct vmref *vm, int force, struct err *e)
{
	struct stop_result result;
	struct state s;
	int rc = store_lock(vm, e);

	if (rc != -EBUSY)
		return rc;
	if (!force)
		return err_set(e, rc, "%s: is running\n  try: vmtool stop %s, or vmtool rm -f %s",
			       vm->name, vm->name, vm->name);
	rc = state_read(&s, vm, e);
	if (rc == 0)
		rc = keeper_stop(vm, &s, 0, 1, &result, e);
	return rc < 0 ? rc : store_lock(vm, e);
}

static int remove_named(const struct home *home, const char *name, int force, struct err *e)
{
	struct err damaged = ERR_NONE;
	struct vmref vm = VMREF_NONE;
	struct state s;
	int rc = store_find(&vm, home, name, e);

	if (rc == -ENOENT && force)
		return 0;
	if (rc == 0)
		rc = take(&vm, force, e);
	if (rc == 0) {
		if (state_read(&s, &vm, &damaged) == 0) /* a damaged one must be removable */
			wreck_clear(&s);
		rc = store_remove(&vm, e);
	}
	store_close(&vm);
	return rc;
}

/* One that cannot be removed does not keep the others; the first failure is told. */
static int remove_all(struct cmdline *cl, const char *first, int force, struct err *e)
{
	struct home home = HOME_NONE;
	int failed = 0, rc = home_open(&home, 0, e);

	for (const char *name = first; name && rc == 0; name = operand_or_none(cl)) {
		struct err one = ERR_NONE;

		if (remove_named(&home, name, force, &one) < 0 && failed++ == 0)
			*e = one;
	}
	home_close(&home);
	if (failed > 1)
		err_in(e, "%d VMs could not be removed, the first of them", failed);
	return rc < 0 || failed ? e->code : 0;
}

static int rm_run(struct cmdline *cl, struct err *e)
{
	const char *first;
	int c, force = 0;

	while ((c = opt_next(cl, e)) > 0)
		force |= c == 'f';
	if (c < 0)
		return c;
	first = operand(cl, "NAME", e);
	return first ? remove_all(cl, first, force, e) : e->code;
}

const struct applet applet_rm = {
	.name = "rm",
	.args = "NAME...",
	.help = "Remove VMs with all that belongs to them",
	.opts = rm_opts,
	.command_after = -1,
	.run = rm_run,
};
