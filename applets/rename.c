/*
 * vmtool rename - another name for a VM that is not running.
 */
#include <errno.h>
#include <string.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/seize.h"
#include "host/vmpins.h"

static int rename_vm(const char *from, const char *to, struct err *e)
{
	struct home home = HOME_NONE;
	struct vmref vm = VMREF_NONE;
	char old[VM_NAME_ROOM];
	int rc = parse_name(to, e);

	if (rc == 0)
		rc = home_open(&home, 0, e);
	if (rc == 0)
		rc = store_find(&vm, &home, from, e);
	if (rc == 0)
		rc = seize(&vm, 0, e);
	if (rc == -EBUSY)
		err_set(e, rc,
			"%s: is running, and its guest, its agent and its sockets go by that name\n"
			"  try: vmtool stop %s, and then rename it",
			vm.name, vm.name);
	memcpy(old, vm.name, sizeof(old));
	if (rc == 0)
		rc = store_rename(&vm, to, e);
	if (rc == 0)
		rc = vmpins_drop_name(&home, old, e);
	store_close(&vm);
	home_close(&home);
	return MIN(rc, 0);
}

static int rename_run(struct cmdline *cl, struct err *e)
{
	const char *from, *to;
	int rc = opt_next(cl, e);

	if (rc < 0)
		return rc;
	from = operand(cl, "OLD", e);
	to = from ? operand_alone(cl, "NEW", e) : NULL;
	return to ? rename_vm(from, to, e) : e->code;
}

const struct applet applet_rename = {
	.name = "rename",
	.args = "OLD NEW",
	.help = "Give a VM that is not running another name",
	.more = "Its id, its configuration, its logs and its events stay; what was said of it\n"
		"under the old name is not rewritten. Host keys that were pinned under it are\n"
		"forgotten. NEW must be free. The guest's host name follows the name, unless\n"
		"vm.ini has one.\n",
	.command_after = -1,
	.run = rename_run,
};
