/*
 * poweroff - the orderly end: processes, disks, a last word to the host, power.
 */
#include "guest/poweroff.h"

#include <signal.h>
#include <stddef.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "guest/mounts.h"

enum {
	KILL_MS = 2000, /* for what SIGKILL hits to be gone */
	LAST_WORD_MS = 1000,
};

static void power_goes(struct poweroff *p)
{
	loop_cancel(p->loop, &p->timer);
	reboot(p->how);
	log_error("poweroff: the kernel refused; still here");
}

void poweroff_check(struct poweroff *p)
{
	if (p->phase == POWER_SYNCED && !(p->is_awaited && p->is_awaited(p)))
		power_goes(p);
}

static void settle_disks(struct poweroff *p)
{
	p->phase = POWER_SYNCED;
	p->reap->childless = NULL;
	sync();
	mounts_settle();
	loop_after(p->loop, &p->timer, LAST_WORD_MS);
	if (p->synced)
		p->synced(p);
	poweroff_check(p);
}

static void kill_all(struct poweroff *p)
{
	p->phase = POWER_KILL;
	loop_after(p->loop, &p->timer, KILL_MS);
	kill(-1, SIGKILL);
}

static void poweroff_due(struct timer *t)
{
	struct poweroff *p = CONTAINER(t, struct poweroff, timer);

	if (p->phase == POWER_TERM)
		kill_all(p);
	else if (p->phase == POWER_KILL)
		settle_disks(p); /* something sits in the kernel: power goes all the same */
	else
		power_goes(p);
}

/* Every process in the guest descends from us, so no child means no process. It need not wait
 * for the timer, but may not act inside the reaper either: others' callbacks come first. */
static void all_gone(void *arg)
{
	struct poweroff *p = arg;

	if (p->phase == POWER_TERM)
		p->phase = POWER_KILL;
	loop_after(p->loop, &p->timer, 0);
}

void poweroff_init(struct poweroff *p, struct loop *l, struct reap *r)
{
	*p = (struct poweroff){ .loop = l, .reap = r, .timer = { .due = poweroff_due } };
}

/* systemd and busybox (with sysvinit's signal for it) each have their own word for poweroff. */
static void ask_init(void)
{
	kill(1, access("/run/systemd/system", F_OK) == 0 ? SIGRTMIN + 4 : SIGUSR2);
}

void poweroff_begin(struct poweroff *p, int how, unsigned grace_ms)
{
	if (p->others)
		ask_init();
	if (p->others || p->phase != POWER_ON)
		return;
	p->phase = POWER_TERM;
	p->how = how;
	p->reap->childless = all_gone;
	p->reap->arg = p;
	loop_after(p->loop, &p->timer, grace_ms);
	kill(-1, SIGTERM);
	reap_collect(p->reap); /* there may have been nobody, and then no SIGCHLD comes */
}
