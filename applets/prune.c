/*
 * vmtool prune - remove the VMs that do not run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "host/graves.h"
#include "host/removal.h"
#include "host/table.h"
#include "host/text.h"
#include "host/vmmfile.h"
#include "host/wreck.h"

enum { OPT_DRY_RUN = OPT_LONG, OPT_OLDER };

static const struct opt prune_opts[] = {
	{ 'y', "yes", NULL, "remove them; without it, only tell which" },
	{ OPT_DRY_RUN, "dry-run", NULL, "only tell which, whatever else is said" },
	{ OPT_OLDER, "older", "TIME", "whose folder has not changed for so long (default 60s)" },
	{ 'q', "quiet", NULL, "names only" },
	{ 0 },
};

struct prune {
	int yes, quiet;
	uint32_t older_ms;
	struct table table;
	unsigned count, half_removed;
	uint64_t bytes;
};

/* Since the last step of its life. Files know the wall clock alone: after a jump back it is below zero, and young;
 * after one ahead all look old, and what is at work is kept by its lock. */
static int64_t age_ms(const struct vmref *v)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return fstat(v->dir, &st) < 0 ? -1
				      : (int64_t)(now.tv_sec - st.st_mtim.tv_sec) * 1000 +
						(now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
}

/* An operation in flight would have the lock; and a vmm that outlived its agent is a VM all the same. */
static int is_to_go(const struct prune *p, struct vmref *v, struct state *s)
{
	struct err ignored = ERR_NONE;

	return !store_is_locked(v) && age_ms(v) >= p->older_ms && state_read(s, v, &ignored) == 0 &&
	       !state_is_live(s->state) && vmmfile_is_held(v) == 0;
}

static void note(struct prune *p, const struct vmref *v, const struct state *s, uint64_t bytes)
{
	char size[TEXT_UNIT_ROOM];

	p->count++;
	p->bytes += bytes;
	if (p->quiet) {
		puts(v->name);
		return;
	}
	table_add(&p->table, v->name);
	table_add(&p->table, state_name(s->state));
	table_add(&p->table, text_size(size, bytes));
}

static int prune_one(struct prune *p, struct vmref *v, struct err *e)
{
	struct state s;
	uint64_t bytes;
	int rc;

	if (!is_to_go(p, v, &s))
		return 0;
	bytes = path_tree_bytes(v->home->vms, v->name);
	if (p->yes) {
		rc = store_lock(v, e);
		if (rc == -EBUSY || rc == -ESTALE)
			return 0; /* somebody was faster */
		if (rc < 0 || age_ms(v) < p->older_ms)
			return rc; /* or has been there meanwhile */
		wreck_clear(&s);
		note(p, v, &s, bytes);
		return removal_of(v, e);
	}
	note(p, v, &s, bytes);
	return 0;
}

static int prune_all(struct prune *p, const struct applet *a, const struct home *home,
		     struct err *e)
{
	char(*names)[VM_NAME_ROOM];
	int count = store_names(home, &names, e), failed = 0;

	for (int i = 0; i < count; i++) {
		struct vmref v = VMREF_NONE;
		struct err one = ERR_NONE, gone = ERR_NONE;

		if (store_find(&v, home, names[i], &gone) == 0 && prune_one(p, &v, &one) < 0) {
			applet_complain(a, &one);
			failed = 1;
		}
		store_close(&v);
	}
	free(names);
	return count < 0 ? count : failed;
}

/* What a removal that was killed left: whatever its age, nobody wants it back. */
static int prune_graves(struct prune *p, const struct home *home, struct err *e)
{
	int count = graves_sweep(home, p->yes, &p->bytes, e);

	if (count > 0)
		p->half_removed = (unsigned)count;
	return count < 0 ? count : 0;
}

static void tell(const struct prune *p)
{
	char size[TEXT_UNIT_ROOM];

	table_print(&p->table, 1u << 2, stdout);
	if (p->quiet)
		return;
	text_size(size, p->bytes);
	if (p->half_removed)
		fprintf(stderr, "%s %u of which a removal that was interrupted left something\n",
			p->yes ? "removed" : "would remove", p->half_removed);
	if (p->count == 0 && p->half_removed == 0)
		fprintf(stderr, "there is nothing to remove\n");
	else if (p->yes)
		fprintf(stderr, "removed %u, %s\n", p->count, size);
	else
		fprintf(stderr, "would remove %u, %s\n  try: vmtool prune --yes\n", p->count, size);
}

static int prune_run(struct cmdline *cl, struct err *e)
{
	struct prune p = { .older_ms = 60000, .table = { .columns = 3 } };
	struct home home = HOME_NONE;
	int c, dry = 0, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		p.yes |= c == 'y';
		p.quiet |= c == 'q';
		dry |= c == OPT_DRY_RUN;
		if (c == OPT_OLDER)
			rc = parse_time(&p.older_ms, "--older", cl->value, e);
	}
	if (rc == 0)
		rc = operands_end(cl, e);
	if (rc == 0)
		rc = home_open(&home, 0, e);
	p.yes &= !dry;
	if (rc == 0)
		rc = prune_all(&p, cl->applet, &home, e);
	if (rc >= 0 && prune_graves(&p, &home, e) < 0)
		rc = e->code;
	if (rc >= 0)
		tell(&p);
	table_free(&p.table);
	home_close(&home);
	return rc;
}

const struct applet applet_prune = {
	.name = "prune",
	.args = "",
	.help = "Remove the VMs that do not run, or tell which those are",
	.more = "Created, stopped and failed ones, with all that belongs to them. Never one that\n"
		"runs, that another vmtool works at, whose state cannot be read, or in whose\n"
		"folder something happened within the last minute.\n",
	.opts = prune_opts,
	.command_after = -1,
	.run = prune_run,
};
