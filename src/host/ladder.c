/*
 * ladder - ending a VM: ask the guest's agent, then its kernel, then the vmm, then nobody.
 */
#include "host/ladder.h"

#include <signal.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "proto/ports.h"

enum {
	TERM_MS = 2000, /* a vmm that is asked to end has nothing to wait for */
	/* A guest hears its button once its driver is there and somebody listens to that, which with a
	 * distribution's may be seconds after it has booted; what was pressed before is lost. */
	PRESS_MS = 1000,
};

const char *rung_name(enum rung r)
{
	static const char *const names[] = { "none", "guest", "button", "term", "kill" };

	return names[r];
}

/* What is left of the guest's time, and half of it at least: whoever just did not answer has had
 * the rest. */
static unsigned button_ms(const struct ladder *l)
{
	int64_t left = l->began_ms + l->wait_ms - clock_ms();

	return l->has_button ? (unsigned)MAX(left, (int64_t)l->wait_ms / 2) : 0;
}

static void press(struct timer *t)
{
	struct ladder *l = CONTAINER(t, struct ladder, press);

	vmmchild_signal(l->vmm, VMM_SIG_BUTTON);
	loop_after(l->loop, &l->press, PRESS_MS);
}

static void step(struct ladder *l, enum rung next)
{
	if (next == RUNG_BUTTON && button_ms(l) == 0)
		next = RUNG_TERM;
	log_info("stop: next rung rung=%s ms=%lld", rung_name(next),
		 (long long)(clock_ms() - l->began_ms));
	l->rung = next;
	call_close(&l->call);
	loop_cancel(l->loop, &l->due);
	loop_cancel(l->loop, &l->press);
	if (next == RUNG_BUTTON) {
		press(&l->press);
		loop_after(l->loop, &l->due, button_ms(l));
	} else if (next == RUNG_TERM) {
		vmmchild_signal(l->vmm, SIGTERM);
		loop_after(l->loop, &l->due, TERM_MS);
	} else {
		vmmchild_signal(l->vmm, SIGKILL);
	}
}

static void rung_due(struct timer *t)
{
	struct ladder *l = CONTAINER(t, struct ladder, due);

	step(l, l->rung < RUNG_KILL ? l->rung + 1 : RUNG_KILL);
}

static void call_up(struct call *c)
{
	struct ladder *l = CONTAINER(c, struct ladder, call);
	uint8_t grace[4];
	struct wr w = wr_init(grace, sizeof(grace));

	/* Half for the processes to end, half for the disks and the power. */
	wr_be32(&w, l->wait_ms / 2);
	if (call_send(c, FRAME_POWEROFF, grace, sizeof(grace)) < 0)
		step(l, RUNG_BUTTON);
	else
		l->asked = 1;
}

static void call_frame(struct call *c, const struct frame *f)
{
	struct ladder *l = CONTAINER(c, struct ladder, call);

	if (f->type == FRAME_ERROR)
		step(l, RUNG_BUTTON); /* it will not */
	if (f->type != FRAME_SYNCED)
		return;
	l->synced = 1;
	call_close(c); /* our acknowledgement: the guest waits for nothing else */
}

static void call_lost(struct call *c, const char *why)
{
	struct ladder *l = CONTAINER(c, struct ladder, call);

	log_info("stop: the guest's agent is gone asked=%d why=%s", l->asked, why);
	/* Who was asked may be going: another's init ends our agent with all the others, and has disks
	 * to settle after that. Else nobody in there is going to act. */
	if (!l->asked)
		step(l, RUNG_BUTTON);
}

void ladder_start(struct ladder *l, struct loop *loop, struct vmmchild *vmm, int sockets_dir,
		  unsigned wait_ms, int has_button)
{
	static const struct call_ops ops = { call_up, call_frame, call_lost };

	if (l->rung != RUNG_NONE)
		return;
	*l = (struct ladder){
		.loop = loop,
		.vmm = vmm,
		.call = CALL_NONE,
		.due = { .due = rung_due },
		.press = { .due = press },
		.rung = RUNG_GUEST,
		.wait_ms = wait_ms,
		.has_button = has_button,
		.began_ms = clock_ms(),
	};
	loop_after(loop, &l->due, wait_ms);
	if (call_open(&l->call, loop, &ops, sockets_dir, PORT_AGENT) < 0)
		step(l, RUNG_BUTTON);
}

void ladder_kill(struct ladder *l, struct loop *loop, struct vmmchild *vmm)
{
	if (l->rung == RUNG_NONE)
		*l = (struct ladder){
			.loop = loop,
			.vmm = vmm,
			.call = CALL_NONE,
			.due = { .due = rung_due },
			.began_ms = clock_ms(),
		};
	step(l, RUNG_KILL);
}

void ladder_stop(struct ladder *l)
{
	if (l->rung == RUNG_NONE)
		return;
	loop_cancel(l->loop, &l->due);
	loop_cancel(l->loop, &l->press);
	call_close(&l->call);
}
