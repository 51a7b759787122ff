/*
 * seize - the lock of a VM, for whoever wants to change what nobody may use meanwhile.
 */
#include "host/seize.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "host/keeper.h"
#include "host/news.h"
#include "host/orphan.h"

/* Who holds a lock without a VM that lives is a word at work: no more than files to be written. */
enum { PATIENCE_MS = 10000 };

/* What is done about a VM that is found locked: 0 to look again, or negative with *e filled. */
static int face_holder(struct vmref *v, int by_force, struct news *n, int64_t deadline_ms,
		       struct err *e)
{
	struct err damaged = ERR_NONE;
	struct stop_result result;
	struct state s;

	/* A damaged state tells of nobody; its lock does all the same. */
	if (state_read(&s, v, &damaged) == 0 && state_is_live(s.state)) {
		if (by_force)
			return keeper_stop(v, &s, 0, 1, &result, e);
		return err_set(e, -EBUSY, "%s: is %s\n  try: vmtool stop %s", v->name,
			       state_name(s.state), v->name);
	}
	if (news_wait(n, deadline_ms) == 0)
		return 0;
	store_busy(v, e);
	e->code = -EAGAIN;
	return e->code;
}

/* What an agent that died left: a machine that runs gets another agent, which has the lock then. 0:
 * the lock is ours. */
static int take_care(struct vmref *v, struct err *e)
{
	struct err damaged = ERR_NONE; /* which is for nobody to take care of */
	struct state s = { 0 };
	int rc = orphan_care_locked(v, &s, &damaged);

	if (rc < 0 && s.orphan == ORPHAN_LIVES) {
		*e = damaged;
		return rc;
	}
	return rc == 1;
}

int seize(struct vmref *v, int by_force, struct err *e)
{
	int64_t deadline_ms = clock_ms() + PATIENCE_MS;
	struct news n = NEWS_NONE;
	int rc = news_open(&n, v);

	if (rc < 0)
		err_set(e, rc, "%s: watch its folder: %s", v->name, strerror(-rc));
	while (rc >= 0) {
		/* Only looked at while it is another's: an attempt would be news, for us as well. */
		if (!store_is_locked(v)) {
			rc = store_lock(v, e);
			if (rc == 0)
				rc = take_care(v, e);
			if (rc != -EBUSY && rc != 1)
				break;
		}
		rc = face_holder(v, by_force, &n, deadline_ms, e);
	}
	news_close(&n);
	return rc;
}
