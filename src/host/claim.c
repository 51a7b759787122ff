/*
 * claim - a VM's folder found or made, and its lock ours; or the VM ready in other hands.
 */
#include "host/claim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/bootfiles.h"
#include "host/chance.h"
#include "host/mend.h"
#include "host/news.h"
#include "host/orphan.h"
#include "host/state.h"

/* Of a thousand names: who has more VMs than that wants to name them by hand. */
enum { NAME_TRIES = 100 };

int claim_check_files(const struct config *c, const struct home *h, struct err *e)
{
	struct bootfiles files;
	int disk[SPEC_DISKS_MAX];
	unsigned ndisks = 0;
	int rc = bootfiles_open(c, h, &files, e);

	if (rc == 0)
		rc = disks_open(&c->disks, h, NULL, disk, &ndisks, e);
	while (ndisks > 0)
		fd_close(&disk[--ndisks]);
	bootfiles_close(&files);
	return rc;
}

int claim_check(struct claim *k, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct config c;
	struct vmref v = VMREF_NONE;
	int rc, found;

	rc = home_open(&k->home, 0, e);
	if (rc == 0)
		rc = config_new(&c, &k->home, k->wish, e);
	if (rc < 0)
		return rc;
	found = k->name && store_find(&v, &k->home, k->name, &ignored) == 0;
	store_close(&v);
	if (found && k->must_be_new)
		return err_set(e, -EEXIST,
			       "%s: there is a VM of this name already\n  try: another "
			       "--name, or vmtool rm %s",
			       k->name, k->name);
	return found ? 0 : claim_check_files(&c, &k->home, e);
}

int claim_preview(struct claim *k, struct config *c, struct err *e)
{
	struct err missing = ERR_NONE;
	struct vmref v = VMREF_NONE;
	int rc = claim_check(k, e);

	if (rc < 0)
		return rc;
	if (!k->name || store_find(&v, &k->home, k->name, &missing) < 0)
		return config_new(c, &k->home, k->wish, e);
	rc = config_load(c, &v, k->wish, e);
	store_close(&v);
	return rc < 0 ? rc : claim_check_files(c, &k->home, e);
}

static int own_named(struct claim *k, struct err *e)
{
	int rc = store_own(&k->vm, &k->home, k->name, e);

	if (k->must_be_new && (rc == 0 || rc == -EBUSY)) {
		store_close(&k->vm);
		return err_set(e, -EEXIST, "%s: there is a VM of this name already", k->name);
	}
	return rc;
}

static int own_random(struct claim *k, struct err *e)
{
	char name[VM_NAME_ROOM];

	for (int i = 0; i < NAME_TRIES; i++) {
		int rc = chance_name(name, e);

		if (rc == 0)
			rc = store_own(&k->vm, &k->home, name, e);
		if (rc == 1 || (rc < 0 && rc != -EBUSY))
			return rc;
		store_close(&k->vm); /* somebody's */
	}
	return err_set(e, -EEXIST, "found no free name\n  try: --name NAME");
}

/* Whether the VM that runs is the one we would have started. */
static int accept_running(struct claim *k, struct err *e)
{
	struct config runs, wanted;
	int rc = config_load(&runs, &k->vm, NULL, e);

	if (rc == 0)
		rc = config_load(&wanted, &k->vm, k->wish, e);
	if (rc < 0)
		return rc;
	if (!config_same(&runs, &wanted))
		return err_set(e, -EBUSY,
			       "%s: is running, with other options than these\n  try: "
			       "vmtool stop %s, then start it again",
			       k->vm.name, k->vm.name);
	return 1;
}

static int wait_for_news(struct claim *k, struct news *n, struct err *e)
{
	int rc = news_wait(n, k->deadline_ms);

	if (rc == -ETIMEDOUT)
		return err_deadline(e, "%s: another process was busy with it until the deadline",
				    k->vm.name);
	return rc < 0 ? err_set(e, rc, "%s: watch its folder: %s", k->vm.name, strerror(-rc)) : 0;
}

/* The lock, unless its machine outlived another agent: that gets the next, which has the lock then. 0,
 * -EBUSY: somebody has it; or negative with *e filled. */
static int take_lock(struct claim *k, struct err *e)
{
	struct err damaged = ERR_NONE;
	struct state s;
	int rc = store_lock(&k->vm, e);

	return rc == 0 && orphan_care_locked(&k->vm, &s, &damaged) == 1 ? -EBUSY : rc;
}

/* 0: the lock is ours after all; 1: it became ready in other hands; -EAGAIN: it was removed. */
static int follow_other(struct claim *k, struct news *n, struct err *e)
{
	int was_starting = 0, rc;
	struct state s;

	for (;;) {
		if (!store_is_locked(&k->vm) && (rc = take_lock(k, e)) != -EBUSY)
			break;
		rc = mend_read(&s, &k->vm, e);
		if (rc < 0)
			return rc;
		if (s.state == VM_RUNNING && s.ready)
			return accept_running(k, e);
		if (s.state == VM_RUNNING)
			return err_set(e, -ECONNRESET,
				       "%s: is running, but its guest does not "
				       "answer\n  try: vmtool stop %s",
				       k->vm.name, k->vm.name);
		if (s.state == VM_PAUSED)
			return err_set(e, -EBUSY, "%s: is paused\n  try: vmtool resume %s",
				       k->vm.name, k->vm.name);
		was_starting |= s.state == VM_STARTING;
		rc = wait_for_news(k, n, e);
		if (rc < 0)
			return rc;
	}
	if (rc == -ESTALE && was_starting)
		return err_set(e, rc, "%s: the start that was under way failed", k->vm.name);
	if (rc < 0)
		return rc == -ESTALE ? -EAGAIN : rc;
	rc = state_read(&s, &k->vm, e);
	if (rc == 0 && was_starting)
		rc = err_set(e, -ECANCELED, "%s: the start that was under way failed: %s",
			     k->vm.name, s.detail);
	return rc;
}

/* The folder tells when its lock is let go and its state replaced. */
int claim_follow(struct claim *k, struct err *e)
{
	struct news n = NEWS_NONE;
	int rc = news_open(&n, &k->vm);

	rc = rc < 0 ? err_set(e, rc, "%s: watch its folder: %s", k->vm.name, strerror(-rc))
		    : follow_other(k, &n, e);
	news_close(&n);
	return rc;
}

int claim_take(struct claim *k, struct err *e)
{
	struct err damaged = ERR_NONE; /* and past mending: the agent makes a new one */
	struct state s;
	int rc;

	home_close(&k->home);
	rc = home_open(&k->home, 1, e);
	if (rc < 0)
		return rc;
	do {
		rc = k->name ? own_named(k, e) : own_random(k, e);
		k->made = rc == 1;
		if (rc == 0)
			(void)mend_read(&s, &k->vm, &damaged);
		if (rc == 0)
			rc = orphan_care_locked(&k->vm, &s, &damaged) == 1 ? -EBUSY : 0;
		if (rc == -EBUSY)
			rc = claim_follow(k, e);
		else if (rc == 1)
			rc = 0;
	} while (rc == -EAGAIN);
	return rc;
}

void claim_close(struct claim *k)
{
	store_close(&k->vm);
	home_close(&k->home);
}
