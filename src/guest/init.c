/*
 * init - process 1 of the guest: brings it up, serves the host, ends it in order.
 *
 * The boot order is the table `boot_stages` of guest/boot. What the host needs to reach us comes first; then the loop runs,
 * and what may be slow or fail comes beside the serving. Ready is said behind the last: what was
 * asked for is then there, or has been reported as failed.
 */
#include "guest/init_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/syscon.h"
#include "guest/vsock.h"
#include "proto/ports.h"

enum {
	GRACE_MS = 2000,     /* processes get this when the guest itself ends */
	EXIT_TOLD_MS = 2000, /* the host gets this to acknowledge the main process's end */
	ANNOUNCE_MS = 50,
	/* Devices of the machine are found before process 1 begins: who is still missing after this
	 * will not come. */
	WAIT_MS = 5000,
};

/* --- the boot --- */

static void stage_told(struct init *in, const char *name, int state, const char *detail)
{
	beacon_stage(&in->beacon, name, (uint8_t)state, detail);
	if (state == STAGE_FAILED)
		syscon_say("stage %s failed: %.*s", name, STAGE_DETAIL_MAX, detail);
	else if (state == STAGE_DONE && in->verbose)
		syscon_say("%s %lld ms", name, (long long)clock_ms());
}

/* The marks as the console gets them: one line each, once the host has been served; for the console
 * is slow. What failed was told at once. */
static void announce(struct timer *t)
{
	struct init *in = CONTAINER(t, struct init, announcing);

	if (!in->verbose)
		for (size_t i = 0; i < in->beacon.nnotes; i++)
			if (in->beacon.notes[i].state == STAGE_DONE)
				syscon_say("%s %lld ms", in->beacon.notes[i].name,
					   (long long)in->beacon.notes[i].ms);
	if (in->services.execd)
		syscon_say("ready %lld ms", (long long)in->serving_ms);
	else
		syscon_say("up, but no host can reach it");
}

/* --- the end of the main process --- */

static void shut_down(struct init *in, int how)
{
	poweroff_begin(&in->poweroff, how, GRACE_MS);
}

static void exit_told(struct beacon *b)
{
	shut_down(CONTAINER(b, struct init, beacon), RB_POWER_OFF);
}

/* A host hears of ready before it hears of the end. */
static void main_ended(void *owner, const struct exec_status *s)
{
	struct init *in = owner;

	in->main_status = *s;
	in->main_has_ended = 1;
	if (!in->wanted)
		beacon_main_exit(&in->beacon, s, EXIT_TOLD_MS, exit_told);
}

static void boot_over(struct init *in)
{
	free(in->wanted);
	in->wanted = NULL;
	if (in->services.execd)
		beacon_ready(&in->beacon);
	if (in->main_has_ended)
		beacon_main_exit(&in->beacon, &in->main_status, EXIT_TOLD_MS, exit_told);
	in->announcing.due = announce;
	loop_after(&in->loop, &in->announcing, ANNOUNCE_MS);
}

/* --- the end, as poweroff tells it --- */

static void end_begins(struct poweroff *p)
{
	struct init *in = CONTAINER(p, struct init, poweroff);

	if (in->services.execd)
		execd_refuse(in->services.execd);
	supervisor_stop(&in->supervisor);
	beacon_stage(&in->beacon, "poweroff", STAGE_BEGIN, "");
}

static unsigned sessions(struct poweroff *p, int sig)
{
	struct init *in = CONTAINER(p, struct init, poweroff);

	return in->services.execd ? sessions_signal(execd_sessions(in->services.execd), sig) : 0;
}

static void end_stage_is(struct poweroff *p, const char *name, int state, const char *detail)
{
	beacon_stage(&CONTAINER(p, struct init, poweroff)->beacon, name, (uint8_t)state, detail);
}

static void disks_settled(struct poweroff *p, int settled)
{
	struct init *in = CONTAINER(p, struct init, poweroff);

	beacon_stage(&in->beacon, "poweroff", settled ? STAGE_DONE : STAGE_FAILED,
		     settled ? "" : "the disks did not settle in time");
	if (in->services.agentd)
		agentd_say_synced(in->services.agentd, settled);
}

static int is_awaited(struct poweroff *p)
{
	const struct init *in = CONTAINER(p, struct init, poweroff);

	return (in->services.agentd && agentd_is_awaited(in->services.agentd)) ||
	       (in->services.execd && execd_is_awaited(in->services.execd));
}

static const struct poweroff_events poweroff_events = {
	end_begins, sessions, end_stage_is, disks_settled, is_awaited,
};

/* --- signals --- */

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	/* As busybox's halt, poweroff and reboot ask for it. A halted VM is of use to nobody: it
	 * is powered off. INT is the kernel's ctrl-alt-del, PWR an empty battery. */
	static const struct {
		int sig, how;
	} table[] = {
		{ SIGUSR1, RB_POWER_OFF }, { SIGUSR2, RB_POWER_OFF }, { SIGPWR, RB_POWER_OFF },
		{ SIGTERM, RB_AUTOBOOT },  { SIGINT, RB_AUTOBOOT },
	};
	struct init *in = CONTAINER(l, struct init, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&in->reap);
	if (getpid() != 1)
		return; /* who wants the guest's end asks process 1 */
	for (size_t i = 0; i < COUNT(table); i++)
		if (si->ssi_signo == (uint32_t)table[i].sig)
			shut_down(in, table[i].how);
}

/* --- the whole --- */

static int connect_beacon(void)
{
	return vsock_connect(PORT_BEACON);
}

static const char *latest_stage(void *owner, uint8_t *state)
{
	const struct beacon_note *n = beacon_latest(owner);

	*state = n ? n->state : 0;
	return n ? n->name : NULL;
}

static void released(void *owner)
{
	struct init *in = owner;

	poweroff_check(&in->poweroff);
}

static void open_services(struct init *in)
{
	in->services = (struct services){
		.loop = &in->loop,
		.reap = &in->reap,
		.exec_options = {
			.vm = in->hostname,
			.boot = in->boot,
			.main_ended = main_ended,
			.released = released,
			.owner = in,
		},
		.agent_options = {
			.poweroff = &in->poweroff,
			.clock = &clock_ops_machine,
			.info = {
				.boot = in->boot,
				.supervisor = &in->supervisor,
				.stage = latest_stage,
				.owner = &in->beacon,
			},
		},
	};
}

static void open_all(struct init *in)
{
	in->loop = LOOP_INIT;
	if (loop_open(&in->loop) < 0)
		syscon_say("no event loop in this kernel: nothing will be served");
	in->loop.signalled = signalled;
	reap_init(&in->reap);
	poweroff_init(&in->poweroff, &in->loop, &in->reap, &poweroff_events);
	open_services(in);
}

int init_run(struct err *e)
{
	struct init *in;

	if (getpid() != 1)
		return err_set(e, -EPERM, "only the first process of a guest can be init");
	syscon_occupy_fds();
	umask(022);
	log_open(STDERR_FILENO, "init", LOG_WARN);
	in = calloc(1, sizeof(*in));
	if (in)
		in->wanted = calloc(1, sizeof(*in->wanted));
	if (!in || !in->wanted) {
		free(in);
		return err_set(e, -ENOMEM, "no memory for a guest's first process");
	}
	guest_desc_init(&in->wanted->desc);
	in->wait_ms = WAIT_MS;
	in->handover = HANDOVER_NONE;
	in->stages = (struct stages){
		.table = boot_stages,
		.count = boot_stage_count,
		.in = in,
		.of = &in->wanted->desc,
		.loop = &in->loop,
		.told = stage_told,
		.over = boot_over,
	};
	beacon_init(&in->beacon, &in->loop, connect_beacon);
	reboot(RB_DISABLE_CAD);

	/* From here on no path leads to exit: the kernel panics when process 1 ends. */
	stages_run(&in->stages, WHEN_ALONE);
	if (in->wanted->desc.ninit)
		in->split = handover_split(&in->handover, in->wanted->desc.init);
	open_all(in);
	stages_run(&in->stages, WHEN_FIRST);
	stages_begin(&in->stages);
	for (;;)
		loop_run(&in->loop);
}
