/*
 * agent - one VM's keeper: opens what it needs, starts its vmm, proves it ready, tells its
 * state, ends it.
 *
 * Everything happens in one loop. Every end of the VM, asked for or not, arrives at one place:
 * vmm_ended(). What the agent itself decided before (a deadline, a stop) is its verdict, and the
 * first one stands.
 */
#include "host/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/bootfiles.h"
#include "host/chance.h"
#include "host/clocksync.h"
#include "host/config.h"
#include "host/console.h"
#include "host/control.h"
#include "host/initrd.h"
#include "host/kvm.h"
#include "host/ladder.h"
#include "host/ready.h"
#include "host/sockets.h"
#include "host/state.h"
#include "host/text.h"
#include "host/timeline.h"
#include "host/vmmchild.h"
#include "host/wreck.h"

/* The host sees a vsock guest through its own vmm alone, so one number does for all. */
enum { GUEST_CID = 3 };

static const char stage_prepare[] = "prepare"; /* descriptors opened, initrd made */
static const char stage_vmm[] = "vmm";	       /* until the guest's first instruction */

struct agent {
	const struct agent_ask *ask; /* borrowed */
	struct home home;
	struct vmref vm;
	struct config config;
	struct state st;
	struct loop loop;
	struct timeline tl;
	struct sockets sockets;
	struct vmm_files files;
	struct vmmchild vmm;
	struct ready ready;
	struct ladder ladder;
	struct clocksync clock;
	struct control control;
	struct watch leash; /* owned; -1 once the starter is no longer of interest */
	struct timer deadline;
	off_t console_from;
	int cancelled;	 /* the starter hung up */
	int main_exited; /* and the time to power off is running */
	/* The verdict; reason NULL while there is none. */
	const char *reason;
	int code;
	char detail[EVENT_MAX / 4];
};

/* The first verdict stands. */
static void judge(struct agent *a, const char *reason, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void judge(struct agent *a, const char *reason, int code, const char *fmt, ...)
{
	char text[sizeof(a->detail)];
	va_list ap;

	if (a->reason)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_escape(a->detail, sizeof(a->detail), text, strlen(text));
	a->reason = reason;
	a->code = code;
}

/* Every change of state comes through here, before the step it names. */
static int enter(struct agent *a, enum vm_state state, struct err *e)
{
	a->st.state = state;
	a->st.ready = state == VM_RUNNING && ready_is(&a->ready);
	a->st.vm_alive = a->ready.vm_alive;
	a->st.agent_up = a->ready.agent_up;
	a->st.vmm = a->vmm.id;
	log_info("agent: state is=%s vm_alive=%d agent_up=%d", state_name(state), a->st.vm_alive,
		 a->st.agent_up);
	return state_write(&a->st, &a->vm, e);
}

/* For a VM that lives whether or not that can be written down: a full disk is no reason to kill. */
static void enter_anyway(struct agent *a, enum vm_state state)
{
	struct err e = ERR_NONE;

	if (enter(a, state, &e) < 0)
		log_error("agent: %s", e.text);
}

static int is_starting(const struct agent *a)
{
	return a->st.state == VM_STARTING;
}

static long long elapsed_ms(const struct agent *a)
{
	return clock_ms() - a->ask->since_ms;
}

/* --- the end --- */

/* Which ends are as wished, and what they mean while the VM was starting. */
static const struct end {
	const char *reason;
	enum vm_state state;
	const char *before_ready;
} ends[] = {
	{ "guest_poweroff", VM_STOPPED, "the guest powered off before it was ready" },
	{ "guest_reboot", VM_STOPPED, "the guest rebooted before it was ready" },
	{ "main_exited", VM_STOPPED, "the guest's main process ended before it was ready" },
	{ "killed", VM_STOPPED, "the machine was ended before it was ready" },
	{ "panic", VM_FAILED, "the guest's kernel panicked" },
	{ "vmm_crash", VM_FAILED, "the vmm process crashed" },
	{ "error", VM_FAILED, "the vmm failed" },
};

static const struct end *end_of(const char *reason)
{
	const struct end *x = ends;

	while (strcmp(x->reason, reason) != 0)
		x++;
	return x;
}

/* The vmm has told or shown how it ended; the guest's own words may say more. */
static void judge_end(struct agent *a)
{
	const char *reason = a->vmm.reason, *words, *detail = a->vmm.detail;
	char line[200];

	/* With panic=-1 a panicked kernel resets the machine. */
	if ((!strcmp(reason, "guest_reboot") || !strcmp(reason, "panic")) &&
	    console_panic(&a->vm, a->console_from, line, sizeof(line))) {
		reason = "panic";
		detail = line;
	} else if (a->ready.main_exited && strcmp(reason, "guest_poweroff") == 0) {
		reason = "main_exited";
	}
	if (!is_starting(a)) {
		judge(a, reason, 0, "%s", detail);
		return;
	}
	if (!a->vmm.ran) {
		judge(a, reason, 1, "%s", detail);
		return;
	}
	words = *detail ? detail : end_of(reason)->before_ready;
	judge(a, reason, 1, "%s, %lld ms after the start was asked for; last stage: %s", words,
	      elapsed_ms(a), a->tl.last);
}

static void finish(struct agent *a)
{
	struct timeline_end x = {
		.reason = a->reason,
		.detail = a->detail,
		.has_status = a->ready.main_exited,
		.status = exec_status_code(&a->ready.main),
		.ran = a->vmm.ran,
		.code = a->code,
		.console_from = a->console_from,
	};

	/* A start that was cancelled or stopped did what it was told; any other end of it failed. */
	int failed = is_starting(a) && strcmp(a->reason, "killed") != 0;

	snprintf(a->st.reason, sizeof(a->st.reason), "%s", a->reason);
	text_escape(a->st.detail, sizeof(a->st.detail), a->detail, strlen(a->detail));
	a->st.has_status = x.has_status;
	a->st.status = x.status;
	a->st.agent = (struct procid){ 0 };
	a->st.sockets[0] = '\0';
	loop_cancel(&a->loop, &a->deadline);
	enter_anyway(a, failed ? VM_FAILED : end_of(a->reason)->state);
	timeline_exit(&a->tl, &x);
	loop_stop(&a->loop, 0);
}

static void vmm_ended(struct vmmchild *v)
{
	struct agent *a = CONTAINER(v, struct agent, vmm);

	judge_end(a);
	if (!v->ran)
		timeline_stage(&a->tl, stage_vmm, STAGE_FAILED, v->detail);
	ready_vm_alive(&a->ready, 0, a->reason);
	finish(a);
}

/* --- ways to end it --- */

static void deadline_due(struct timer *t)
{
	struct agent *a = CONTAINER(t, struct agent, deadline);
	char unmet[200];

	ready_unmet(&a->ready, unmet, sizeof(unmet));
	judge(a, "error", 124, "not ready after %lld ms: %s; last stage: %s", elapsed_ms(a), unmet,
	      a->tl.last);
	ladder_kill(&a->ladder, &a->loop, &a->vmm);
}

static void stop(struct agent *a, unsigned wait_ms, int force)
{
	if (is_starting(a))
		judge(a, "killed", 1, "it was stopped while it was starting");
	else if (a->st.state == VM_RUNNING)
		enter_anyway(a, VM_STOPPING);
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
	if (is_starting(a))
		judge(a, "killed", 1, "the start was cancelled");
	stop(a, STOP_MS, is_starting(a) || !a->ask->keep);
}

/* The guest said how its main process ended, and then did not go. */
static void overstayed(struct timer *t)
{
	stop(CONTAINER(t, struct agent, deadline), 0, 0);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct agent *a = CONTAINER(l, struct agent, loop);

	if (si->ssi_signo == SIGTERM)
		stop(a, STOP_MS, 0);
	/* Whoever was stopped has missed some time, and perhaps the end of a minute. */
	if (si->ssi_signo == SIGCONT ||
	    (si->ssi_signo == SIGCHLD && vmmchild_was_continued(&a->vmm)))
		clocksync_jumped(&a->clock);
}

/* --- what others ask --- */

static json_t *status_answer(const struct agent *a)
{
	return json_pack("{s:b, s:s, s:b, s:{s:b, s:b}, s:s, s:I}", "ok", 1, "state",
			 state_name(a->st.state), "ready", a->st.ready, "conditions", "vm_alive",
			 a->ready.vm_alive, "agent_up", a->ready.agent_up, "boot", a->st.boot,
			 "t_ms", (json_int_t)elapsed_ms(a));
}

static void asked_status(struct agent *a, struct client *c, const json_t *request)
{
	(void)request;
	client_answer(c, status_answer(a));
}

static void asked_stop(struct agent *a, struct client *c, const json_t *request)
{
	const json_t *ms = json_object_get(request, "timeout_ms");
	json_int_t wait_ms = json_is_integer(ms) ? json_integer_value(ms) : STOP_MS;

	if (wait_ms < 0 || wait_ms > INT32_MAX) {
		client_answer(
			c, json_pack("{s:b, s:s}", "ok", 0, "error", "timeout_ms: out of range"));
		return;
	}
	client_waits(c);
	stop(a, (unsigned)wait_ms, json_is_true(json_object_get(request, "force")));
}

static void control_request(struct client *c, const json_t *request)
{
	static const struct {
		const char *op;
		void (*asked)(struct agent *a, struct client *c, const json_t *request);
	} ops[] = { { "status", asked_status }, { "stop", asked_stop } };
	struct agent *a = CONTAINER(c->control, struct agent, control);
	const char *op = json_string_value(json_object_get(request, "op"));

	for (size_t i = 0; op && i < COUNT(ops); i++) {
		if (strcmp(op, ops[i].op) != 0)
			continue;
		ops[i].asked(a, c, request);
		return;
	}
	client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error", "op: not one of status, stop"));
}

static json_t *stop_answer(const struct agent *a)
{
	return json_pack("{s:b, s:s, s:s, s:b, s:I}", "ok", 1, "reason", a->reason, "rung",
			 rung_name(a->ladder.rung), "synced", a->ladder.synced, "ms",
			 a->ladder.rung ? (json_int_t)(clock_ms() - a->ladder.began_ms) : 0);
}

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

static void become_ready(struct agent *a)
{
	loop_cancel(&a->loop, &a->deadline);
	enter_anyway(a, VM_RUNNING);
	timeline_ready(&a->tl);
	if (!a->ask->tied)
		let_starter_go(a);
	clocksync_start(&a->clock, &a->loop, a->sockets.dir, clock_compared);
}

static void ready_changed(struct ready *r)
{
	struct agent *a = CONTAINER(r, struct agent, ready);

	if (r->main_exited && !a->main_exited) {
		a->main_exited = 1;
		a->deadline.due = overstayed;
		loop_after(&a->loop, &a->deadline, STOP_MS);
	}
	/* Not once it has been sentenced: what was refused is not to become ready after all. */
	if (is_starting(a) && ready_is(r) && !a->reason)
		become_ready(a);
	else if (!a->reason)
		enter_anyway(a, a->st.state);
	if (a->st.state == VM_RUNNING && !r->agent_up && !r->main_exited)
		timeline_agent(&a->tl, "lost"); /* nobody asked it to go */
}

static void vmm_running(struct vmmchild *v)
{
	struct agent *a = CONTAINER(v, struct agent, vmm);

	timeline_stage(&a->tl, stage_vmm, STAGE_DONE, "");
	ready_vm_alive(&a->ready, 1, "the guest's first instruction runs");
}

static int listen_all(struct agent *a, struct err *e)
{
	int fd, rc;

	rc = sockets_open(&a->sockets, &a->home, a->vm.name, e);
	if (rc < 0)
		return rc;
	snprintf(a->st.sockets, sizeof(a->st.sockets), "%s", a->sockets.path);
	a->files.sockets_dir = a->sockets.dir;
	a->files.vsock = sockets_listen(&a->sockets, "vsock.sock", e);
	if (a->files.vsock < 0)
		return a->files.vsock;
	fd = sockets_listen(&a->sockets, "vsock.sock_4088", e);
	if (fd < 0)
		return fd;
	rc = ready_start(&a->ready, &a->loop, &a->tl, fd, a->sockets.dir, ready_changed);
	if (rc < 0)
		return err_set(e, rc, "watch the beacon's socket: %s", strerror(-rc));
	fd = sockets_listen(&a->sockets, "agent.sock", e);
	if (fd < 0)
		return fd;
	rc = control_start(&a->control, &a->loop, fd, control_request);
	return rc < 0 ? err_set(e, rc, "watch agent.sock: %s", strerror(-rc)) : 0;
}

static int prepare(struct agent *a, struct err *e)
{
	struct guest_desc *desc = &a->config.guest.desc;
	int rc;

	desc->boot = a->st.boot;
	if (!desc->hostname[0])
		desc->hostname = a->vm.name;
	rc = a->files.kvm = kvm_open(e);
	if (rc >= 0)
		rc = bootfiles_open(&a->config, &a->home, &a->files.kernel, &a->files.initrd[0], e);
	if (rc >= 0)
		rc = disks_open(&a->config.disks, &a->home, a->vm.name, a->files.disk,
				&a->files.ndisks, e);
	if (rc >= 0)
		rc = a->files.initrd[1] = initrd_ours(desc, e);
	if (rc >= 0)
		rc = a->files.console = console_open(&a->vm, &a->console_from, e);
	if (rc >= 0)
		rc = listen_all(a, e);
	return rc < 0 ? rc : 0;
}

static int start_vmm(struct agent *a, struct err *e)
{
	char cmdline[SPEC_CMDLINE_MAX + 1];
	struct spec spec = {
		.cpus = a->config.cpus,
		.memory_bytes = a->config.memory_bytes,
		.guest_cid = GUEST_CID,
		.cmdline = cmdline,
	};
	int rc = config_cmdline(&a->config, cmdline, e);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < a->config.disks.count; i++) {
		spec.disk[i].readonly = (uint8_t)a->config.disks.disk[i].readonly;
		spec.disk[i].serial = a->config.disks.disk[i].serial;
	}
	a->vmm.running = vmm_running;
	a->vmm.ended = vmm_ended;
	rc = vmmchild_start(&a->vmm, &a->loop, &spec, &a->files, e);
	if (rc == 0)
		vmm_files_close(&a->files); /* a connection to a dead vmm is refused, not queued */
	return rc;
}

/* The start's steps that need no waiting; the rest is events. */
static int begin(struct agent *a, struct err *e)
{
	static const struct {
		const char *stage;
		int (*step)(struct agent *a, struct err *e);
		int over; /* done when it returns */
	} steps[] = { { stage_prepare, prepare, 1 }, { stage_vmm, start_vmm, 0 } };

	for (size_t i = 0; i < COUNT(steps); i++) {
		int rc;

		timeline_stage(&a->tl, steps[i].stage, STAGE_BEGIN, "");
		rc = steps[i].step(a, e);
		if (rc < 0) {
			char clean[EVENT_MAX / 4];

			text_escape(clean, sizeof(clean), e->text, strlen(e->text));
			timeline_stage(&a->tl, steps[i].stage, STAGE_FAILED, clean);
			return rc;
		}
		if (steps[i].over)
			timeline_stage(&a->tl, steps[i].stage, STAGE_DONE, "");
	}
	return 0;
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
	return enter(a, VM_STARTING, e);
}

static int open_all(struct agent *a, struct err *e)
{
	int64_t left_ms = a->ask->timeout_ms - elapsed_ms(a);
	int rc;

	rc = home_open(&a->home, 0, e);
	if (rc == 0)
		rc = store_find(&a->vm, &a->home, a->ask->name, e);
	if (rc < 0)
		return rc;
	a->vm.lock = AGENT_FD_LOCK;
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
	return a->ask->fresh && a->code != 0 && (a->cancelled || !a->vmm.ran);
}

static void close_all(struct agent *a)
{
	struct err e = ERR_NONE;

	ready_stop(&a->ready);
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
		.ready = READY_NONE,
		.ladder = LADDER_NONE,
		.clock = CLOCKSYNC_NONE,
		.control = CONTROL_NONE,
		.leash = { .fd = -1 },
	};
	int rc = adopt_fds(e);

	if (rc < 0)
		return rc;
	a.leash.fd = a.tl.leash = AGENT_FD_LEASH;
	a.tl.vm = ask->name;
	a.tl.boot = a.st.boot;
	a.tl.start_ms = ask->since_ms;
	if (chdir("/") < 0) /* no file system is kept busy by a folder we happened to be in */
		log_warn("agent: cannot leave the current folder");
	rc = open_all(&a, e);
	if (rc == 0)
		rc = begin(&a, e);
	if (rc < 0) {
		judge(&a, "error", e->exit ? e->exit : 1, "%s", e->text);
		finish(&a);
	} else {
		loop_run(&a.loop);
		control_tell_waiting(&a.control, stop_answer(&a));
	}
	close_all(&a);
	return 0;
}
