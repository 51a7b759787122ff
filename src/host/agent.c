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
#include "host/agent_parts.h"
#include "host/chance.h"
#include "host/published.h"
#include "host/requests.h"
#include "host/setup.h"
#include "host/wreck.h"

int agent_enter(struct agent *a, enum vm_state state, struct err *e)
{
	int rc;

	a->st.state = state;
	a->st.ready = state == VM_RUNNING && ready_is(&a->ready);
	a->st.conditions = *ready_conditions(&a->ready);
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

void agent_stop(struct agent *a, unsigned wait_ms, int force)
{
	if (agent_is_starting(a))
		verdict_give(&a->verdict, "killed", 1, "it was stopped while it was starting");
	else if (a->st.state == VM_RUNNING)
		agent_enter_anyway(a, VM_STOPPING);
	if (force)
		ladder_kill(&a->ladder, &a->loop, &a->vmm);
	else
		ladder_start(&a->ladder, &a->loop, &a->vmm, a->sockets.dir, wait_ms);
}

static void leash_ready(struct watch *w, uint32_t events)
{
	struct agent *a = CONTAINER(w, struct agent, leash);
	char ignored[64];
	ssize_t n = fd_read(w->fd, ignored, sizeof(ignored));

	(void)events;
	if (n > 0 || n == -EAGAIN)
		return;
	a->cancelled = 1;
	loop_del(&a->loop, w);
	if (agent_is_starting(a))
		verdict_give(&a->verdict, "killed", 1, "the start was cancelled");
	agent_stop(a, STOP_MS, agent_is_starting(a) || !a->ask->keep);
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
	/* Whoever was stopped has missed some time, and perhaps the end of a minute. */
	if (si->ssi_signo == SIGCONT ||
	    (si->ssi_signo == SIGCHLD && vmmchild_was_continued(&a->vmm)))
		clocksync_jumped(&a->clock);
}

/* --- what others ask --- */

/* --- the start --- */

static void let_starter_go(struct agent *a)
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

static void become_ready(struct agent *a)
{
	loop_cancel(&a->loop, &a->deadline);
	agent_enter_anyway(a, VM_RUNNING);
	timeline_ready(&a->tl);
	if (!a->ask->tied)
		let_starter_go(a);
	clocksync_start(&a->clock, &a->loop, a->sockets.dir, clock_compared);
}

/* What it waits for will not come: at once, and not at the deadline. */
static void give_up(struct agent *a)
{
	verdict_give(&a->verdict, "error", a->ready.hopeless,
		     "%s, %lld ms after the start was asked for", a->ready.why,
		     agent_elapsed_ms(a));
	ladder_kill(&a->ladder, &a->loop, &a->vmm);
}

void agent_ready_changed(struct ready *r, const struct condition *c)
{
	struct agent *a = CONTAINER(r, struct agent, ready);
	int was_running = a->st.state == VM_RUNNING;

	if (r->main_exited && !a->main_exited) {
		a->main_exited = 1;
		a->deadline.due = overstayed;
		loop_after(&a->loop, &a->deadline, STOP_MS);
	}
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
	if (was_running && c == &r->conditions.list[AGENT_UP] && !r->main_exited)
		timeline_agent(&a->tl, c->value ? "back" : "lost"); /* nobody asked it to go */
}

void agent_vmm_running(struct vmmchild *v)
{
	struct agent *a = CONTAINER(v, struct agent, vmm);

	timeline_stage(&a->tl, STAGE_VMM, STAGE_DONE, "");
	ready_vm_alive(&a->ready, 1, "the guest's first instruction runs");
}

static int open_state(struct agent *a, struct err *e)
{
	struct state last;
	int rc;

	if (state_read(&last, &a->vm, e) == 0)
		wreck_clear(&last);
	rc = chance_boot_id(a->st.boot, e);
	if (rc == 0)
		rc = procid_of(&a->st.agent, getpid()) < 0 ? err_set(e, -ESRCH, "read /proc") : 0;
	if (rc == 0)
		rc = timeline_open(&a->tl, &a->vm, a->st.boot, a->ask->since_ms, e);
	if (rc < 0)
		return rc;
	host_boot_id(a->st.host_boot);
	clock_rfc3339(a->st.started);
	a->st.started_ms = a->ask->since_ms;
	a->st.cpus = a->config.cpus;
	a->st.memory_bytes = a->config.memory_bytes;
	return agent_enter(a, VM_STARTING, e);
}

static int open_all(struct agent *a, struct err *e)
{
	int64_t left_ms = a->ask->timeout_ms - agent_elapsed_ms(a);
	int rc;

	rc = home_open(&a->home, 0, e);
	if (rc == 0)
		rc = store_find(&a->vm, &a->home, a->ask->name, e);
	if (rc < 0)
		return rc;
	a->vm.lock = AGENT_FD_LOCK;
	store_sign(&a->vm);
	rc = config_load(&a->config, &a->vm, NULL, e);
	if (rc < 0)
		return rc;
	rc = loop_open(&a->loop);
	if (rc < 0)
		return err_set(e, rc, "open the event loop: %s", strerror(-rc));
	a->loop.signalled = signalled;
	a->leash = (struct watch){ AGENT_FD_LEASH, leash_ready };
	rc = loop_add(&a->loop, &a->leash, EPOLLIN | EPOLLRDHUP);
	if (rc < 0)
		return err_set(e, rc, "watch the starter: %s", strerror(-rc));
	a->deadline.due = deadline_due;
	loop_after(&a->loop, &a->deadline, (unsigned)MAX(left_ms, 0));
	return open_state(a, e);
}

/* --- afterwards --- */

/* Until the starter has read what it wants to of a folder that is about to go. */
static void await_hang_up(struct agent *a)
{
	struct pollfd p = { .fd = a->leash.fd, .events = POLLRDHUP };

	if (a->leash.fd >= 0)
		while (poll(&p, 1, -1) < 0 && errno == EINTR)
			;
}

/* A start that failed before the first instruction, or was cancelled, leaves no new VM behind. */
static int is_to_be_removed(const struct agent *a)
{
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
	vmmchild_close(&a->vmm);
	vmm_files_close(&a->files);
	timeline_close(&a->tl);
	sockets_remove(&a->sockets);
	if (is_to_be_removed(a)) {
		await_hang_up(a);
		if (store_remove(&a->vm, &e) < 0)
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
		rc = setup_begin(&a, e);
	if (rc < 0) {
		verdict_give(&a.verdict, "error", e->exit ? e->exit : 1, "%s", e->text);
		verdict_carry_out(&a);
	} else {
		loop_run(&a.loop);
		requests_tell_end(&a);
	}
	close_all(&a);
	return 0;
}
