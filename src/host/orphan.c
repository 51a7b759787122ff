/*
 * orphan - a VM whose agent has died: it gets another, or its end is written down.
 */
#include "host/orphan.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/agentproc.h"
#include "host/signpost.h"
#include "host/timeline.h"
#include "host/wreck.h"

/* A new agent opens some files; the host may be busy. */
enum { ADOPT_MS = 10000 };

/* Until the agent has let go of us, in one way or the other. */
static void await_agent(int leash)
{
	int64_t deadline_ms = clock_ms() + ADOPT_MS;
	struct pollfd p = { .fd = leash, .events = POLLIN };
	char events[4096];

	while (deadline_ms > clock_ms() &&
	       poll(&p, 1, (int)MAX(deadline_ms - clock_ms(), 0)) > 0 &&
	       fd_read(leash, events, sizeof(events)) > 0)
		;
}

static int adopt(struct vmref *v, struct state *s, struct err *e)
{
	static const char *const args[] = { "--adopt", NULL };
	struct agentproc p = AGENTPROC_NONE;
	int rc = agentproc_start(&p, v, args, 0, e);

	if (rc < 0)
		return rc;
	await_agent(p.leash);
	fd_close(&p.leash);
	rc = state_read(s, v, e);
	return rc < 0 ? rc : 1;
}

int orphan_end(struct vmref *v, struct state *s, int ran, struct err *e)
{
	struct timeline t = TIMELINE_NONE;
	struct err untold = ERR_NONE;
	struct timeline_end x = {
		.reason = s->reason,
		.detail = s->detail,
		.has_status = s->has_status,
		.status = s->status,
		.ran = ran,
		.rung = s->rung[0] ? s->rung : NULL,
		.code = 1,
		.console_from = s->console_from,
	};
	int rc;

	wreck_clear(s);
	state_sweep(v);
	signpost_clear(v->dir);
	s->sockets[0] = '\0';
	s->orphan = ORPHAN_NOT;
	rc = state_write(s, v, e);
	if (rc == 0 && timeline_open(&t, v, s->boot, s->started_ms, &untold) == 0)
		timeline_exit(&t, &x);
	timeline_close(&t);
	return rc;
}

int orphan_care_locked(struct vmref *v, struct state *s, struct err *e)
{
	int rc = state_read(s, v, e), ran;

	if (rc < 0)
		return rc;
	ran = state_holds(s, VM_ALIVE);
	state_settle(s, v);
	switch (s->orphan) {
	case ORPHAN_LIVES:
		return adopt(v, s, e);
	case ORPHAN_DIED:
		return orphan_end(v, s, ran, e);
	default:
		return 0;
	}
}

int orphan_care(struct vmref *v, struct state *s, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct state found;
	int rc;

	if (s->orphan == ORPHAN_NOT)
		return 0;
	rc = store_lock(v, &ignored);
	if (rc < 0)
		return rc == -EBUSY ? state_read(s, v, e) : 0;
	rc = orphan_care_locked(v, &found, &ignored);
	if (rc >= 0)
		*s = found;
	fd_close(&v->lock);
	return 0;
}
