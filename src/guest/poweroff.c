/*
 * poweroff - the orderly end, in phases that each have a deadline of their own.
 */
#include "guest/poweroff.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/mounts.h"
#include "guest/otherinit.h"
#include "proto/ready.h"

enum {
	SESSIONS_MS = 500,
	KILL_MS = 2000, /* for what SIGKILL hits to be gone */
	SYNC_MS = 4000, /* a host that waits 10 s, half of it for the processes, sees it run out */
	TOLD_MS = 1000,
};

static unsigned sessions(struct poweroff *p, int sig)
{
	return p->events->sessions ? p->events->sessions(p, sig) : 0;
}

/* --- what begins each phase: 0; 1: there is nothing to wait for --- */

static int end_sessions(struct poweroff *p)
{
	return sessions(p, SIGTERM) == 0;
}

static int term_all(struct poweroff *p)
{
	p->ops->signal_all(SIGTERM);
	return 0;
}

static int kill_all(struct poweroff *p)
{
	p->ops->signal_all(SIGKILL);
	return 0;
}

static int sync_disks(struct poweroff *p)
{
	pid_t pid;

	p->reap->childless = NULL;
	pid = fork();
	if (pid == 0) {
		p->ops->settle_disks();
		_exit(0);
	}
	if (pid > 0) {
		reap_add(p->reap, &p->sync, pid);
		return 0;
	}
	/* No memory even for that. It may take for ever, but without it data are lost for sure. */
	p->ops->settle_disks();
	p->settled = 1;
	return 1;
}

static int tell(struct poweroff *p)
{
	if (p->events->synced)
		p->events->synced(p, p->settled);
	return !(p->events->is_awaited && p->events->is_awaited(p));
}

static int stop_machine(struct poweroff *p)
{
	p->ops->reboot(p->how);
	log_error("poweroff: the kernel refused; still here");
	return 0;
}

static unsigned grace_left(const struct poweroff *p)
{
	return (unsigned)MAX(p->until_ms - clock_ms(), 0);
}

static const struct phase {
	const char *stage; /* as the host hears of it; NULL: not at all */
	int (*begin)(struct poweroff *p);
	unsigned ms; /* 0: what is left of the grace */
} phases[] = {
	[POWER_SESSIONS] = { "sessions", end_sessions, SESSIONS_MS },
	[POWER_TERM] = { "term", term_all, 0 },
	[POWER_KILL] = { "kill", kill_all, KILL_MS },
	[POWER_SYNC] = { "sync", sync_disks, SYNC_MS },
	[POWER_TOLD] = { NULL, tell, TOLD_MS },
	[POWER_GONE] = { NULL, stop_machine, 0 },
};

/* --- from phase to phase --- */

static void stage(struct poweroff *p, enum poweroff_phase phase, int state, const char *detail)
{
	if (p->events->stage && phases[phase].stage)
		p->events->stage(p, phases[phase].stage, state, detail);
}

static void enter(struct poweroff *p, enum poweroff_phase phase)
{
	const struct phase *x = &phases[phase];
	int over;

	p->phase = phase;
	stage(p, phase, STAGE_BEGIN, "");
	over = x->begin(p);
	if (phase == POWER_GONE)
		return;
	loop_after(p->loop, &p->timer, over ? 0 : x->ms ? x->ms : grace_left(p));
}

static int is_over(struct poweroff *p)
{
	switch (p->phase) {
	case POWER_SESSIONS:
		return sessions(p, 0) == 0;
	case POWER_SYNC:
		return p->settled;
	case POWER_TOLD:
		return !(p->events->is_awaited && p->events->is_awaited(p));
	default:
		return 0; /* that no process is left comes from the reaper */
	}
}

/* The phase is over, or its time is up. */
static void poweroff_due(struct timer *t)
{
	struct poweroff *p = CONTAINER(t, struct poweroff, timer);
	int gone = (p->phase == POWER_TERM || p->phase == POWER_SESSIONS ||
		    p->phase == POWER_KILL) &&
		   !p->reap->childless;
	char detail[STAGE_DETAIL_MAX] = "";

	if (!gone && p->phase != POWER_TOLD && !is_over(p))
		snprintf(detail, sizeof(detail), "not over in time");
	stage(p, p->phase, *detail ? STAGE_FAILED : STAGE_DONE, detail);
	enter(p, gone ? POWER_SYNC : p->phase + 1);
}

/* Every process in the guest descends from us, so no child means no process. It need not wait
 * for the timer, but may not act inside the reaper either: others' callbacks come first. */
static void all_gone(void *arg)
{
	struct poweroff *p = arg;

	p->reap->childless = NULL;
	loop_after(p->loop, &p->timer, 0);
}

static void sync_ended(struct child *c, const struct exec_status *s)
{
	struct poweroff *p = CONTAINER(c, struct poweroff, sync);

	p->settled = s->end == EXEC_EXITED && s->value == 0;
	if (p->phase == POWER_SYNC)
		loop_after(p->loop, &p->timer, 0);
}

void poweroff_init(struct poweroff *p, struct loop *l, struct reap *r,
		   const struct poweroff_events *events)
{
	*p = (struct poweroff){
		.loop = l,
		.reap = r,
		.ops = &poweroff_ops_machine,
		.events = events,
		.timer = { .due = poweroff_due },
		.sync = { .ended = sync_ended },
	};
}

int poweroff_begin(struct poweroff *p, int how, unsigned grace_ms)
{
	if (p->others)
		return p->ops->ask_init();
	if (p->phase != POWER_ON)
		return 0;
	p->how = how;
	p->until_ms = clock_ms() + grace_ms;
	p->reap->childless = all_gone;
	p->reap->arg = p;
	if (p->events->begins)
		p->events->begins(p);
	enter(p, sessions(p, 0) ? POWER_SESSIONS : POWER_TERM);
	reap_collect(p->reap); /* there may have been nobody, and then no SIGCHLD comes */
	return 0;
}

void poweroff_check(struct poweroff *p)
{
	if (p->phase != POWER_ON && is_over(p))
		loop_after(p->loop, &p->timer, 0);
}

/* --- the machine's --- */

static void signal_all(int sig)
{
	kill(-1, sig);
}

static void settle_disks(void)
{
	sync();
	mounts_settle();
}

const struct poweroff_ops poweroff_ops_machine = {
	signal_all,
	settle_disks,
	reboot,
	otherinit_poweroff,
};
