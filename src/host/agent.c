/*
 * agent - one VM's keeper: opens what it needs, starts its vmm, proves it ready, tells its
 * state, ends it.
 *
 * Everything happens in one loop. Every end of the VM, asked for or not, arrives at one place:
 * agent_vmm_ended(). What the agent itself decided before (a deadline, a stop) is its verdict, and
 * the first one stands.
 */
#include "host/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/adopt.h"
#include "host/agent_parts.h"
#include "host/chance.h"
#include "host/mend.h"
#include "host/overlays.h"
#include "host/published.h"
#include "host/removal.h"
#include "host/requests.h"
#include "host/setup.h"

int agent_enter(struct agent *a, enum vm_state state, struct err *e)
{
	int rc;

	a->st.state = state;
	a->st.ready = state == VM_RUNNING && ready_is(&a->ready);
	a->st.conditions = *ready_conditions(&a->ready);
	if (!state_is_live(state))
		conditions_drop(&a->st.conditions, "it has ended");
	a->st.scripts = a->ready.boot.provision.reports;
	ready_degraded(&a->ready, a->st.degraded, sizeof(a->st.degraded));
	a->st.vmm = a->vmm.id;
	log_info("agent: state is=%s ready=%d", state_name(state), a->st.ready);
	if (!a->st.ready)
		signpost_turn(&a->signpost, 0);
	rc = state_write(&a->st, &a->vm, e);
	if (a->st.ready)
		signpost_turn(&a->signpost, 1);
	return rc;
}

void agent_enter_anyway(struct agent *a, enum vm_state state)
{
	struct err e = ERR_NONE;

	if (agent_enter(a, state, &e) < 0)
		log_error("agent: %s", e.text);
}

long long agent_elapsed_ms(const struct agent *a)
{
	return clock_ms() - a->ask->since_ms;
}

/* --- the end --- */

void agent_vmm_ended(struct vmmchild *v)
{
	struct agent *a = CONTAINER(v, struct agent, vmm);

	struct err e = ERR_NONE;

	if (reboot_is_wanted(a)) {
		if (reboot_begin(a, &e) == 0)
			return;
		verdict_give(&a->verdict, "error", 1, "it rebooted, and could not be started again: %s",
			     e.text);
	}
	verdict_of_end(a);
	if (!v->ran)
		timeline_stage(&a->tl, STAGE_VMM, STAGE_FAILED, v->detail);
	ready_vm_alive(&a->ready, 0, a->verdict.reason);
	verdict_carry_out(a);
}

/* --- ways to end it --- */

static void deadline_due(struct timer *t)
{
	struct agent *a = CONTAINER(t, struct agent, deadline);
	char unmet[EVENT_MAX / 8];

	conditions_unmet(ready_conditions(&a->ready), unmet, sizeof(unmet));
	verdict_give(&a->verdict, "error", 124, "not ready after %lld ms: %s; last stage: %s",
		     agent_elapsed_ms(a), unmet, a->tl.last);
	ladder_kill(&a->ladder, &a->loop, &a->vmm);
}

/* The vmm says so: we asked, or an agent before us did. */
void agent_pause_changed(struct vmmchild *v)
{
	struct agent *a = CONTAINER(v, struct agent, vmm);
	enum vm_state now = v->paused ? VM_PAUSED : VM_RUNNING;

	if (a->st.state != now && (a->st.state == VM_RUNNING || a->st.state == VM_PAUSED)) {
		agent_enter_anyway(a, now);
		timeline_pause(&a->tl, v->paused);
		if (!v->paused)
			clocksync_jumped(&a->clock);
	}
	ready_stand_still(&a->ready, v->paused);
	requests_tell_pause(a);
}

void agent_vmm_went_on(struct vmmchild *v)
{
	clocksync_jumped(&CONTAINER(v, struct agent, vmm)->clock);
}

void agent_stop(struct agent *a, unsigned wait_ms, int force)
{
	int heard = a->ready.hello || a->st.state == VM_RUNNING; /* a kernel that has booted */

	/* Who stands still cannot power off. */
	if (a->st.state == VM_PAUSED && !force)
		vmmchild_signal(&a->vmm, VMM_SIG_RESUME);
	if (agent_is_starting(a))
		verdict_give(&a->verdict, "killed", 1, "it was stopped while it was starting");
	else if (a->st.state == VM_RUNNING || a->st.state == VM_PAUSED)
		agent_enter_anyway(a, VM_STOPPING);
	if (force)
		ladder_kill(&a->ladder, &a->loop, &a->vmm);
	else
		ladder_start(&a->ladder, &a->loop, &a->vmm, a->sockets.dir, wait_ms, heard);
}

void agent_starter_gone(struct agent *a)
{
	a->cancelled = 1;
	if (agent_is_starting(a))
		verdict_give(&a->verdict, "killed", 1, "the start was cancelled");
	agent_stop(a, STOP_MS, agent_is_starting(a) || !a->ask->keep);
}

/* A socket's end; or a pidfd, which is readable once and cannot be read. */
void agent_leash_ready(struct watch *w, uint32_t events)
{
	struct agent *a = CONTAINER(w, struct agent, leash);
	char ignored[64];
	ssize_t n = fd_read(w->fd, ignored, sizeof(ignored));

	(void)events;
	if (n > 0 || n == -EAGAIN)
		return;
	loop_del(&a->loop, w);
	agent_starter_gone(a);
}

/* The guest said how its main process ended, and then did not go. */
static void overstayed(struct timer *t)
{
	agent_stop(CONTAINER(t, struct agent, deadline), 0, 0);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct agent *a = CONTAINER(l, struct agent, loop);

	if (si->ssi_signo == SIGTERM)
		agent_stop(a, STOP_MS, 0);
	if (si->ssi_signo == MEND_SIG)
		agent_enter_anyway(a, a->st.state);
	/* Whoever was stopped has missed some time, and perhaps the end of a minute. */
	if (si->ssi_signo == SIGCONT)
		clocksync_jumped(&a->clock);
}

/* --- the start --- */

void agent_let_starter_go(struct agent *a)
{
	loop_del(&a->loop, &a->leash);
	fd_close(&a->leash.fd);
	a->tl.leash = -1;
}

/* A clock that was right is no event. */
static void clock_compared(struct clocksync *k, const struct clock_done *d)
{
	struct agent *a = CONTAINER(k, struct agent, clock);

	if (d->did == CLOCK_STEPPED)
		timeline_clock(&a->tl, clock_did_name(d->did), d->ahead_ns, d->bound_ns);
}

/* Told once for each reason. */
static void tell_degraded(struct agent *a)
{
	char why[sizeof(a->told_degraded)];

	ready_degraded(&a->ready, why, sizeof(why));
	if (why[0] && strcmp(why, a->told_degraded) != 0)
		timeline_degraded(&a->tl, why);
	memcpy(a->told_degraded, why, sizeof(why));
}

void agent_serve(struct agent *a)
{
	clocksync_start(&a->clock, &a->loop, a->sockets.dir, clock_compared);
}

void agent_main_exited(struct agent *a)
{
	a->main_exited = 1;
	a->deadline.due = overstayed;
	loop_after(&a->loop, &a->deadline, STOP_MS);
}

/* The guest keeps it until we have written it down. */
static void keep_main_status(struct agent *a)
{
	struct err e = ERR_NONE;

	a->st.has_status = 1;
	a->st.status = exec_status_code(&a->ready.main);
	a->ready.main_kept = agent_enter(a, a->st.state, &e) == 0;
	if (!a->ready.main_kept)
		log_error("agent: %s", e.text);
}

static void become_ready(struct agent *a)
{
	loop_cancel(&a->loop, &a->deadline);
	agent_enter_anyway(a, VM_RUNNING);
	timeline_ready(&a->tl);
	if (!a->ask->tied && a->leash.fd >= 0)
		agent_let_starter_go(a);
	agent_serve(a);
}

/* What it waits for will not come: at once, and not at the deadline. */
static void give_up(struct agent *a)
{
	const char *why = a->ready.why;

	if (strchr(why, '\n')) /* lines of its own, and what cures it is the last */
		verdict_give(&a->verdict, "error", a->ready.hopeless, "%s", why);
	else
		verdict_give(&a->verdict, "error", a->ready.hopeless,
			     "%s, %lld ms after the start was asked for", why, agent_elapsed_ms(a));
	ladder_kill(&a->ladder, &a->loop, &a->vmm);
}

void agent_ready_changed(struct ready *r, const struct condition *c)
{
	struct agent *a = CONTAINER(r, struct agent, ready);
	int was_running = a->st.state == VM_RUNNING;

	if (r->main_exited && !a->main_exited)
		agent_main_exited(a);
	published_ready(a, ready_holds(r, AGENT_UP));
	if (agent_is_starting(a) && r->hopeless && !a->verdict.reason)
		give_up(a);
	/* Not once it has been sentenced: what was refused is not to become ready after all. */
	if (agent_is_starting(a) && ready_is(r) && !a->verdict.reason) {
		tell_degraded(a);
		become_ready(a);
	} else if (!a->verdict.reason) {
		if (was_running)
			tell_degraded(a);
		agent_enter_anyway(a, a->st.state);
	}
	if (r->main_exited && !r->main_kept)
		keep_main_status(a);
	if (was_running && c == &r->conditions.list[AGENT_UP] && !r->main_exited)
		timeline_agent(&a->tl, "guest", c->value ? "back" : "lost"); /* nobody asked it to go */
}

void agent_disk_failed(struct vmmchild *v, const struct vmm_trouble *t)
{
	static const char *const works[] = {
		[VMM_READ] = "read",	   [VMM_WRITE] = "write", [VMM_FLUSH] = "flush",
		[VMM_DISCARD] = "discard", [VMM_ZERO] = "zero",
	};
	char disk[DISK_NAME_ROOM];

	disk_name(t->disk, disk);
	timeline_disk(&CONTAINER(v, struct agent, vmm)->tl, disk, works[t->work],
		      strerror((int)t->sys));
}

void agent_vmm_running(struct vmmchild *v)
{
	struct agent *a = CONTAINER(v, struct agent, vmm);

	if (ready_holds(&a->ready, VM_ALIVE))
		return; /* an agent before us was told */
	timeline_stage(&a->tl, STAGE_VMM, STAGE_DONE, "");
	ready_vm_alive(&a->ready, 1, "the guest's first instruction runs");
}

/* A tied VM's end is its starter's: one that lost its agent and its starter must not stay. */
static void remember_ask(struct agent *a)
{
	a->st.started_ms = a->ask->since_ms;
	a->st.deadline_ms = a->ask->since_ms + a->ask->timeout_ms;
	a->st.fresh = a->ask->fresh;
	a->st.tied = a->ask->tied;
	a->st.keep = a->ask->keep;
	if (a->ask->tied)
		procid_of(&a->st.starter, getppid());
}

static void set_deadline(struct agent *a)
{
	a->deadline.due = deadline_due;
	loop_after(&a->loop, &a->deadline, (unsigned)MAX(a->st.deadline_ms - clock_ms(), 0));
}

int agent_enter_start(struct agent *a, struct err *e)
{
	clock_rfc3339(a->st.started);
	remember_ask(a);
	set_deadline(a);
	return agent_enter(a, VM_STARTING, e);
}

static int open_state(struct agent *a, struct err *e)
{
	int rc;

	rc = chance_boot_id(a->st.boot, e);
	if (rc == 0)
		rc = procid_of(&a->st.agent, getpid()) < 0 ? err_set(e, -ESRCH, "read /proc") : 0;
	if (rc == 0)
		rc = timeline_open(&a->tl, &a->vm, a->st.boot, a->ask->since_ms, e);
	if (rc < 0)
		return rc;
	host_boot_id(a->st.host_boot);
	a->st.cpus = a->config.cpus;
	a->st.memory_bytes = a->config.memory_bytes;
	return agent_enter_start(a, e);
}

/* What is known of the VM is what its first agent wrote down. */
static int reopen_state(struct agent *a, struct err *e)
{
	int rc = state_read(&a->st, &a->vm, e);

	if (rc < 0)
		return rc;
	a->first_ask = (struct agent_ask){
		.name = a->ask->name,
		.since_ms = a->st.started_ms,
		.tied = a->st.tied,
		.keep = a->st.keep,
		.fresh = a->st.fresh,
		.adopt = 1,
		.by_starter = a->ask->by_starter,
	};
	a->ask = &a->first_ask;
	a->st.orphan = ORPHAN_NOT;
	state_sweep(&a->vm);
	if (procid_of(&a->st.agent, getpid()) < 0)
		return err_set(e, -ESRCH, "read /proc");
	return timeline_open(&a->tl, &a->vm, a->st.boot, a->ask->since_ms, e);
}

static int open_all(struct agent *a, struct err *e)
{
	int rc;

	rc = home_open(&a->home, 0, e);
	if (rc == 0)
		rc = store_find(&a->vm, &a->home, a->ask->name, e);
	if (rc < 0)
		return rc;
	a->vm.lock = AGENT_FD_LOCK;
	store_sign(&a->vm);
	rc = config_load(&a->config, &a->vm, NULL, e);
	if (rc < 0 && !a->ask->adopt)
		return rc; /* what runs already does so with or without it */
	rc = loop_open(&a->loop);
	if (rc < 0)
		return err_set(e, rc, "open the event loop: %s", strerror(-rc));
	a->loop.signalled = signalled;
	a->leash = (struct watch){ AGENT_FD_LEASH, agent_leash_ready };
	rc = loop_add(&a->loop, &a->leash, EPOLLIN | EPOLLRDHUP);
	if (rc < 0)
		return err_set(e, rc, "watch the starter: %s", strerror(-rc));
	if (!a->ask->adopt)
		return open_state(a, e);
	rc = reopen_state(a, e);
	if (rc == 0 && agent_is_starting(a))
		set_deadline(a);
	return rc;
}

/* --- afterwards --- */

/* Until the starter has read what it wants to of a folder that is about to go. */
static void await_hang_up(struct agent *a)
{
	struct pollfd p = { .fd = a->leash.fd, .events = POLLIN };

	if (a->leash.fd >= 0)
		while (poll(&p, 1, -1) < 0 && errno == EINTR)
			;
}

/* A start that failed before the first instruction, or was cancelled, leaves no new VM behind. */
static int is_to_be_removed(const struct agent *a)
{
	if (a->gave_up)
		return 0;
	if (a->ask->tied)
		return !a->ask->keep;
	return a->ask->fresh && a->verdict.code != 0 && (a->cancelled || !a->vmm.ran);
}

static void close_all(struct agent *a)
{
	struct err e = ERR_NONE;

	forwards_close(&a->forwards);
	ready_stop(&a->ready);
	signpost_stop(&a->signpost);
	clocksync_stop(&a->clock);
	ladder_stop(&a->ladder);
	if (a->gave_up)
		vmmchild_release(&a->vmm);
	vmmchild_close(&a->vmm);
	vmm_files_close(&a->files);
	timeline_close(&a->tl);
	sockets_remove(&a->sockets);
	if (is_to_be_removed(a)) {
		await_hang_up(a);
		if (removal_of(&a->vm, &e) < 0)
			log_error("agent: %s", e.text);
	}
	/* The lock first: whoever waits for the end of a connection to us may then take it. */
	store_close(&a->vm);
	control_stop(&a->control);
	loop_close(&a->loop);
	fd_close(&a->leash.fd);
	home_close(&a->home);
}

static void event_kept(struct timeline *t)
{
	control_events(&CONTAINER(t, struct agent, tl)->control);
}

/* No descriptor of the starter's may reach the vmm. */
static int adopt_fds(struct err *e)
{
	for (int fd = AGENT_FD_LOCK; fd <= AGENT_FD_LEASH; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return err_usage(e, "is started by `vmtool start` and `vmtool run` only");
	return fd_nonblock(AGENT_FD_LEASH);
}

int agent_run(const struct agent_ask *ask, struct err *e)
{
	struct agent a = {
		.ask = ask,
		.home = HOME_NONE,
		.vm = VMREF_NONE,
		.loop = LOOP_INIT,
		.tl = TIMELINE_NONE,
		.sockets = SOCKETS_NONE,
		.files = VMM_FILES_NONE,
		.vmm = VMMCHILD_NONE,
		.signpost = SIGNPOST_NONE,
		.ladder = LADDER_NONE,
		.clock = CLOCKSYNC_NONE,
		.control = CONTROL_NONE,
		.leash = { .fd = -1 },
	};
	int rc = adopt_fds(e);

	if (rc < 0)
		return rc;
	ready_init(&a.ready);
	a.leash.fd = a.tl.leash = AGENT_FD_LEASH;
	a.tl.vm = ask->name;
	a.tl.boot = a.st.boot;
	a.tl.start_ms = ask->since_ms;
	a.tl.kept = event_kept;
	if (chdir("/") < 0) /* no file system is kept busy by a folder we happened to be in */
		log_warn("agent: cannot leave the current folder");
	rc = open_all(&a, e);
	if (rc == 0)
		rc = ask->adopt ? adopt_begin(&a, e) : setup_begin(&a, e);
	if (rc < 0 && ask->adopt) {
		log_error("agent: cannot adopt it: %s", e->text);
		a.gave_up = 1;
	} else if (rc < 0) {
		verdict_give(&a.verdict, "error", e->exit ? e->exit : 1, "%s", e->text);
		verdict_carry_out(&a);
	} else {
		loop_run(&a.loop);
		requests_tell_end(&a);
	}
	close_all(&a);
	return 0;
}
