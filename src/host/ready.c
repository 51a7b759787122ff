/*
 * ready - the conditions of contracts.md, and the moment when all of them hold.
 */
#include "host/ready.h"

#include <stdio.h>

#include "base/util.h"

/* Stages of the start between the vmm's first instruction and ready, as the host sees them. */
static const char stage_kernel[] = "kernel"; /* until the guest's vmtool says hello */
static const char stage_guest[] = "guest";   /* until it says that its servers answer */
static const char stage_exec[] = "exec";     /* until one did */

static void set_agent_up(struct ready *r, int up, const char *reason)
{
	if (r->agent_up == up)
		return;
	r->agent_up = up;
	timeline_condition(r->tl, "agent_up", up, reason);
	r->changed(r);
}

static void exec_answered(struct heartbeat *h)
{
	struct ready *r = CONTAINER(h, struct ready, heartbeat);

	timeline_stage(r->tl, stage_exec, STAGE_DONE, "");
	set_agent_up(r, 1, "the guest said hello and ready, and its exec server answered");
}

static void guest_hello(struct ready *r)
{
	r->hello = 1;
	timeline_stage(r->tl, stage_kernel, STAGE_DONE, "");
	timeline_stage(r->tl, stage_guest, STAGE_BEGIN, "");
}

static void guest_ready(struct ready *r)
{
	if (r->said_ready)
		return;
	r->said_ready = 1;
	timeline_stage(r->tl, stage_guest, STAGE_DONE, "");
	timeline_stage(r->tl, stage_exec, STAGE_BEGIN, "");
	heartbeat_start(&r->heartbeat, r->loop, r->sockets_dir, exec_answered);
}

static void guest_main_exit(struct ready *r, const struct exec_status *status)
{
	r->main_exited = 1;
	r->main = *status;
	/* A short one may be over before our question is answered; that it ran is proof enough. */
	if (r->said_ready && !r->agent_up)
		set_agent_up(r, 1,
			     "the guest said hello and ready, and how its main process ended");
	r->changed(r);
}

static void beacon_lost(struct ready *r)
{
	heartbeat_stop(&r->heartbeat);
	set_agent_up(r, 0, "the guest's beacon ended");
}

static void lookout_said(struct lookout *o, const struct lookout_news *news)
{
	struct ready *r = CONTAINER(o, struct ready, lookout);
	const struct beacon_stage *s = &news->stage;

	switch (news->type) {
	case FRAME_HELLO:
		guest_hello(r);
		break;
	case FRAME_STAGE:
		timeline_guest_stage(r->tl, s->name, (enum stage_state)s->state, s->detail,
				     s->guest_ms);
		break;
	case FRAME_READY:
		guest_ready(r);
		break;
	case FRAME_MAIN_EXIT:
		guest_main_exit(r, &news->status);
		break;
	default:
		beacon_lost(r);
	}
}

int ready_start(struct ready *r, struct loop *l, struct timeline *tl, int beacon_fd,
		int sockets_dir, void (*changed)(struct ready *r))
{
	r->loop = l;
	r->tl = tl;
	r->sockets_dir = sockets_dir;
	r->changed = changed;
	return lookout_start(&r->lookout, l, beacon_fd, tl->boot, lookout_said);
}

void ready_stop(struct ready *r)
{
	heartbeat_stop(&r->heartbeat);
	lookout_stop(&r->lookout);
}

void ready_vm_alive(struct ready *r, int alive, const char *reason)
{
	if (r->vm_alive == alive)
		return;
	r->vm_alive = alive;
	timeline_condition(r->tl, "vm_alive", alive, reason);
	if (alive)
		timeline_stage(r->tl, stage_kernel, STAGE_BEGIN, "");
	r->changed(r);
}

int ready_is(const struct ready *r)
{
	return r->vm_alive && r->agent_up;
}

void ready_unmet(const struct ready *r, char *out, size_t cap)
{
	const struct heartbeat *h = &r->heartbeat;

	if (!r->vm_alive)
		snprintf(out, cap,
			 "vm_alive does not hold: the vmm has not begun to run the guest");
	else if (!r->hello)
		snprintf(out, cap, "agent_up does not hold: the guest has not said hello");
	else if (!r->said_ready)
		snprintf(out, cap, "agent_up does not hold: the guest said hello, but not ready");
	else
		snprintf(out, cap,
			 "agent_up does not hold: the guest's exec server did not answer in %u "
			 "attempts%s%s",
			 h->attempts, h->last[0] ? ", the last: " : "", h->last);
}
