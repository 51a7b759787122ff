/*
 * keycheck - whether the SSH server at a VM's public address shows the host key it should.
 */
#include "host/keycheck.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "host/vmkeys.h"
#include "host/vmpins.h"
#include "ssh/scan.h"

enum { ASK_MS = 10000 };

struct keycheck_work {
	struct keycheck *of;
	const struct vmref *vm;
	struct vmkeys own;    /* with a host key, it is that or none */
	struct vmpins pins;
	struct hostkeys shown;
	struct scan scan;
};

void keycheck_stop(struct keycheck *c)
{
	if (c->work)
		scan_stop(&c->work->scan);
	free(c->work);
	c->work = NULL;
}

static int check_own(const struct keycheck_work *w, struct err *e)
{
	for (unsigned i = 0; i < w->shown.count; i++)
		if (hostkey_is_same(&w->shown.at[i], &w->own.host))
			return 0;
	return pins_guest_mismatch(e, &w->shown.at[0], &w->own.host, w->own.host_path);
}

/* Also a key that was not proved: a wrong one is wrong all the same. */
static enum keycheck_verdict judge(struct keycheck_work *w, struct err *e)
{
	const struct scan *s = &w->scan;
	int rc;

	if (s->verdict != PROBE_OK) {
		err_set(e, -EREMOTEIO, "its host key could not be checked: %s", s->why);
		return probe_is_final(s->verdict) ? KEYCHECK_FAILED : KEYCHECK_UNKNOWN;
	}
	for (w->shown.count = 0; w->shown.count < s->count; w->shown.count++)
		w->shown.at[w->shown.count] = s->keys[w->shown.count].key;
	rc = w->own.has_host ? check_own(w, e)
			     : pins_check_any(w->vm->home, w->pins.name, &w->shown, e);
	return rc >= 0 ? KEYCHECK_RIGHT : e->exit ? KEYCHECK_WRONG : KEYCHECK_FAILED;
}

/* A server has a process begin for each key it is asked for, so ours alone is; of one that has not got
 * that, a person wants to know what it shows instead. */
static void scan_done(struct scan *s)
{
	struct keycheck *c = CONTAINER(s, struct keycheck_work, scan)->of;
	struct err e = ERR_NONE;
	enum keycheck_verdict v;

	if (s->has_none && s->only) {
		s->only = 0;
		scan_start(s);
		return;
	}
	v = judge(c->work, &e);
	keycheck_stop(c);
	c->done(c, v, e.text);
}

/* 0: there is something to check a key by; 1: there is not; or negative with *e filled. */
static int recall(struct keycheck_work *w, const struct endpoint *where, struct err *e)
{
	int rc = vmkeys_find(&w->own, w->vm->home, w->vm->name, e);

	if (rc < 0 || w->own.has_host)
		return rc;
	vmpins_of_server(&w->pins, w->vm, where);
	return pins_check_any(w->vm->home, w->pins.name, NULL, e);
}

int keycheck_start(struct keycheck *c, struct loop *l, const struct vmref *v,
		   const struct endpoint *where, const struct address *at, struct err *e)
{
	struct keycheck_work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return err_set(e, -ENOMEM, "no memory to check a host key");
	w->of = c;
	w->vm = v;
	rc = recall(w, where, e);
	if (rc != 0) {
		free(w);
		return rc < 0 ? rc : 0;
	}
	c->work = w;
	w->scan.loop = l;
	w->scan.where = where;
	w->scan.only = w->own.has_host ? 1u << SIGNATURE_P256 : 0; /* what host/vmkeys makes */
	w->scan.is_found = 1;
	w->scan.at = at;
	w->scan.timeout_ms = ASK_MS;
	w->scan.done = scan_done;
	scan_start(&w->scan);
	return 1;
}
