/*
 * vmtool disk - a VM's disks, and what becomes of what it wrote over one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "base/util.h"
#include "host/config.h"
#include "host/overlays.h"
#include "host/seize.h"
#include "host/text.h"

struct ask {
	struct home home;
	struct vmref vm;
	struct config config;
	unsigned disk; /* of commit and discard */
};

/* Of the first blocks, too, which are no MiB. */
static const char *amount(char out[TEXT_UNIT_ROOM], int64_t bytes)
{
	if (bytes >= 1 << 20)
		return text_size(out, (uint64_t)bytes);
	snprintf(out, TEXT_UNIT_ROOM, "%lld KiB", (long long)bytes >> 10);
	return out;
}

/* By the guest's name for it. */
static int find_disk(struct ask *ask, const char *text, struct err *e)
{
	const struct disks *d = &ask->config.disks;

	for (ask->disk = 0; ask->disk < d->count; ask->disk++) {
		char name[DISK_NAME_ROOM];

		disk_name(ask->disk, name);
		if (strcmp(name, text) != 0)
			continue;
		if (d->disk[ask->disk].overlay)
			return 0;
		return err_set(e, -EINVAL, "%s: %s has no overlay: what the guest writes is in %s",
			       ask->vm.name, text, d->disk[ask->disk].path);
	}
	return err_set(e, -ENOENT, "%s: has no disk %s\n  try: vmtool disk ls %s", ask->vm.name, text,
		       ask->vm.name);
}

/* The VM; for us alone, and its disk, where one is named. */
static int find(struct ask *ask, const char *vm, const char *disk, struct err *e)
{
	int rc = home_open(&ask->home, 0, e);

	if (rc == 0)
		rc = store_find(&ask->vm, &ask->home, vm, e);
	if (rc == 0 && disk)
		rc = seize(&ask->vm, 0, e);
	if (rc == 0)
		rc = config_load(&ask->config, &ask->vm, NULL, e);
	if (rc == 0 && disk)
		rc = find_disk(ask, disk, e);
	return rc;
}

static int ls(void *arg, struct cmdline *cl, struct err *e)
{
	struct ask *ask = arg;
	const struct disks *d = &ask->config.disks;
	const char *vm = operand_alone(cl, "NAME", e);

	if (!vm || find(ask, vm, NULL, e) < 0)
		return e->code;
	if (d->count)
		printf("%-5s %8s  %s\n", "DISK", "OVERLAY", "IMAGE");
	for (unsigned i = 0; i < d->count; i++) {
		int64_t bytes = d->disk[i].overlay ? overlays_bytes(&ask->vm, i) : 0;
		char name[DISK_NAME_ROOM], size[TEXT_UNIT_ROOM] = "-", clean[PATH_ROOM];

		if (bytes < 0)
			return err_set(e, (int)bytes, "%s: look at its overlays: %s", ask->vm.name,
				       strerror((int)-bytes));
		disk_name(i, name);
		if (d->disk[i].overlay)
			amount(size, bytes);
		printf("%-5s %8s  %s%s\n", name, size,
		       text_clean(clean, sizeof(clean), d->disk[i].path, strlen(d->disk[i].path)),
		       d->disk[i].readonly && !d->disk[i].overlay ? " (ro)" : "");
	}
	return 0;
}

/* NAME DISK, of a VM that does not run. */
static int take_disk(struct ask *ask, struct cmdline *cl, struct err *e)
{
	const char *vm = operand(cl, "NAME", e);
	const char *disk = vm ? operand_alone(cl, "DISK", e) : NULL;

	return disk ? find(ask, vm, disk, e) : e->code;
}

static int commit(void *arg, struct cmdline *cl, struct err *e)
{
	struct ask *ask = arg;
	char size[TEXT_UNIT_ROOM];
	int64_t bytes;

	if (take_disk(ask, cl, e) < 0)
		return e->code;
	bytes = overlays_commit(&ask->vm, &ask->config.disks, ask->disk, e);
	if (bytes < 0)
		return e->code;
	printf("%s\n", amount(size, bytes));
	return 0;
}

static int discard(void *arg, struct cmdline *cl, struct err *e)
{
	struct ask *ask = arg;
	int rc = take_disk(ask, cl, e);

	return rc < 0 ? rc : overlays_discard(&ask->vm, ask->disk, e);
}

static int disk_run(struct cmdline *cl, struct err *e)
{
	static const struct verb verbs[] = { { "ls", ls }, { "commit", commit }, { "discard", discard } };
	static struct ask ask; /* too large for the stack */
	const struct verb *verb;
	int rc;

	if (opt_next(cl, e) < 0 || !(verb = operand_verb(cl, verbs, COUNT(verbs), e)))
		return e->code;
	ask.home = HOME_NONE;
	ask.vm = VMREF_NONE;
	rc = verb->run(&ask, cl, e);
	store_close(&ask.vm);
	home_close(&ask.home);
	return rc;
}

const struct applet applet_disk = {
	.name = "disk",
	.args = "ls NAME | commit NAME DISK | discard NAME DISK",
	.help = "Keep or drop what a VM wrote over a disk",
	.more = "  vmtool start web --disk base.img,overlay\n"
		"  vmtool disk ls web\n"
		"  vmtool disk discard web vda\n\n"
		"With ,overlay what the guest writes goes to a file in the VM's folder, of the\n"
		"size of what was written, and the image is only read: several VMs may have one.\n"
		"commit writes it into the image, which then is no base for the overlays of\n"
		"other VMs any more; discard forgets it. Both want the VM stopped. DISK is the\n"
		"guest's name: vda, vdb... A commit that was cut short can be begun again, and\n"
		"must be.\n",
	.command_after = -1,
	.run = disk_run,
};
