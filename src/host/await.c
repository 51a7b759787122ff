/*
 * await - waits until something is so of a VM; woken by what happens in its folder alone.
 */
#include "host/await.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "host/news.h"
#include "host/mend.h"
#include "host/orphan.h"

/* What has been seen of its life since we wait. */
struct life {
	char boot[BOOT_ID_LEN + 1]; /* the first boot that we saw alive, or "" */
	int ended;		    /* that one is over */
};

static int wants_absence(const struct await *a)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->cond[i].kind == COND_EXISTS || a->cond[i].kind == COND_GONE)
			return 1;
	return 0;
}

/* The watch comes before the look, so that nothing can happen unseen between them. */
static int look(struct await *a, struct home *home, struct news *n, struct err *e)
{
	struct vmref v = VMREF_NONE;
	int rc = store_find(&v, home, a->name, e);

	a->is_there = rc == 0;
	if (rc == -ENOENT && wants_absence(a))
		return 0;
	if (rc < 0)
		return rc;
	rc = news_add(n, &v);
	if (rc < 0)
		err_set(e, rc, "%s: watch its folder: %s", v.name, strerror(-rc));
	else
		rc = mend_read(&a->state, &v, e);
	/* Who waits for it looks at it, too; but one that has a starter is that one's to take care of, who
	 * hears of its agent's death in the same moment. */
	if (rc == 0 && a->state.state != VM_STARTING && !a->state.tied)
		rc = orphan_care(&v, &a->state, e);
	store_close(&v);
	return rc;
}

static void follow_life(const struct await *a, struct life *l)
{
	int lives = a->is_there && state_is_live(a->state.state);

	if (lives && !l->boot[0])
		snprintf(l->boot, sizeof(l->boot), "%s", a->state.boot);
	l->ended |= l->boot[0] && (!lives || strcmp(l->boot, a->state.boot) != 0);
}

/* That it does not run is an end only of one that was started. */
static int holds(const struct await *a, const struct cond *c, const struct life *l)
{
	if (c->kind == COND_EXIT && c->value)
		return l->ended || (a->is_there &&
				    (a->state.state == VM_STOPPED || a->state.state == VM_FAILED));
	return cond_holds(c, a->is_there ? &a->state : NULL);
}

static int is_so(struct await *a, const struct life *l)
{
	unsigned met = 0;

	for (unsigned i = 0; i < a->count; i++) {
		if (!holds(a, &a->cond[i], l))
			continue;
		a->met = i;
		if (++met == a->count || a->any)
			return 1;
	}
	return 0;
}

/* Whether its end leaves nothing to wait for. One that lives again, as after a reboot of its own, may yet
 * become what it was. */
static int is_hopeless(const struct await *a, const struct life *l)
{
	unsigned dead = 0;

	if (a->is_there && state_is_live(a->state.state))
		return 0;
	for (unsigned i = 0; l->ended && i < a->count; i++)
		dead += (unsigned)(cond_dies_with_vm(&a->cond[i]) && !holds(a, &a->cond[i], l));
	return a->any ? dead == a->count && dead > 0 : dead > 0;
}

static int too_late(const struct await *a, const struct life *l, struct err *e)
{
	char text[400];

	err_deadline(e, "%s: not so in time", a->name);
	for (unsigned i = 0; i < a->count; i++)
		if (!holds(a, &a->cond[i], l))
			err_more(e, "\n  %s",
				 cond_instead(&a->cond[i], a->is_there ? &a->state : NULL, text,
					      sizeof(text)));
	return e->code;
}

static int it_ended(const struct await *a, struct err *e)
{
	const struct state *s = &a->state;

	if (!a->is_there)
		return err_set(e, -ECANCELED, "%s: was removed", a->name);
	return err_set(e, -ECANCELED, "%s: has ended: %s%s%.300s", a->name,
		       s->reason[0] ? s->reason : state_name(s->state), s->detail[0] ? ": " : "",
		       s->detail);
}

/* It was started again before we looked: how the life we saw ended stands in its events alone. */
static int recall_end(struct await *a, struct home *home, const struct life *l, struct err *e)
{
	struct history h = HISTORY_NONE;
	struct vmref v = VMREF_NONE;
	struct state *s = &a->state;
	struct event x;
	int rc = store_find(&v, home, a->name, e);

	if (rc == 0)
		rc = history_open(&h, &v, e);
	snprintf(s->reason, sizeof(s->reason), "agent_died");
	s->state = VM_FAILED;
	s->detail[0] = '\0';
	s->has_status = 0;
	while (rc == 0 && history_next(&h, &v, &x) > 0) {
		const json_t *status = json_object_get(x.json, "status");

		if (strcmp(event_text(&x, "event"), "exit") == 0 &&
		    strcmp(event_text(&x, "boot"), l->boot) == 0) {
			snprintf(s->reason, sizeof(s->reason), "%s", event_text(&x, "reason"));
			snprintf(s->detail, sizeof(s->detail), "%s", event_text(&x, "detail"));
			s->state = state_after(s->reason);
			s->has_status = json_is_integer(status);
			s->status = (int)json_integer_value(status);
		}
		event_drop(&x);
	}
	history_close(&h);
	store_close(&v);
	return rc;
}

static int wait_until_so(struct await *a, struct home *home, struct news *n, struct err *e)
{
	struct life l = { 0 };
	int rc;

	for (;;) {
		rc = look(a, home, n, e);
		if (rc < 0)
			return rc == -ENOENT && l.boot[0] ? it_ended(a, e) : rc;
		follow_life(a, &l);
		if (is_so(a, &l))
			return l.ended && state_is_live(a->state.state) &&
					       a->cond[a->met].kind == COND_EXIT
				       ? recall_end(a, home, &l, e)
				       : 0;
		if (is_hopeless(a, &l))
			return it_ended(a, e);
		rc = news_wait(n, a->deadline_ms);
		if (rc == -ETIMEDOUT)
			return too_late(a, &l, e);
		if (rc < 0)
			return err_set(e, rc, "%s: wait for news: %s", a->name, strerror(-rc));
	}
}

int await_run(struct await *a, struct err *e)
{
	struct home home = HOME_NONE;
	struct news n = NEWS_NONE;
	int rc = home_open(&home, wants_absence(a), e);

	if (rc == 0) {
		rc = home.vms < 0 ? 0 : news_open_store(&n, &home);
		if (rc < 0)
			err_set(e, rc, "watch the folder of VMs: %s", strerror(-rc));
	}
	if (rc == 0)
		rc = wait_until_so(a, &home, &n, e);
	news_close(&n);
	home_close(&home);
	return rc;
}
