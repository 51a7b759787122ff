/*
 * vmtool rm - remove VMs: configuration, logs, disks.
 */
#include <errno.h>

#include "applets/several.h"
#include "host/pins.h"
#include "host/seize.h"

static const struct opt rm_opts[] = {
	{ 'f', "force", NULL, "kill it first when it runs; absent is fine" },
	{ 0 },
};

static int seize_to_remove(struct vmref *vm, int force, struct err *e)
{
	int rc = seize(vm, force, e);

	if (rc == -EBUSY)
		err_set(e, rc, "%s: is running\n  try: vmtool stop %s, or vmtool rm -f %s",
			vm->name, vm->name, vm->name);
	return rc;
}

static int remove_one(const char *name, void *arg, struct err *e)
{
	const int *force = arg;
	struct err pinned = ERR_NONE;
	struct home home = HOME_NONE;
	struct vmref vm = VMREF_NONE;
	int rc = home_open(&home, 0, e);

	if (rc == 0)
		rc = store_find(&vm, &home, name, e);
	if (rc == 0)
		rc = seize_to_remove(&vm, *force, e);
	if (rc == 0) {
		/* First of all, and whatever else fails: its keys must not be the next one's. */
		pins_drop_vm(&home, vm.name, &pinned);
		rc = store_remove(&vm, e);
	}
	if (rc == 0 && pinned.code < 0) {
		*e = pinned;
		rc = pinned.code;
	}
	store_close(&vm);
	home_close(&home);
	/* Of two who remove it, the second finds it gone. */
	return (rc == -ENOENT || rc == -ESTALE) && *force ? 0 : rc;
}

static int rm_run(struct cmdline *cl, struct err *e)
{
	int c, force = 0;

	while ((c = opt_next(cl, e)) > 0)
		force |= c == 'f';
	return c < 0 ? c : for_each_operand(cl, remove_one, &force, e);
}

const struct applet applet_rm = {
	.name = "rm",
	.args = "NAME...",
	.help = "Remove VMs with all that belongs to them",
	.opts = rm_opts,
	.command_after = -1,
	.run = rm_run,
};
