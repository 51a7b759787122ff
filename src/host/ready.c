/*
 * ready - the conditions of a VM, found out as they change.
 */
#include "host/ready.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/pins.h"

/* A guest tries again every two seconds at last (guest/beacon). */
enum { RETURN_MS = 10000 };
enum { GREET_AGAIN_MS = 200 };

/* Stages of the start between the vmm's first instruction and ready, as the host sees them. */
static const char stage_kernel[] = "kernel"; /* until the guest's vmtool says hello */
static const char stage_guest[] = "guest";   /* until it says that its servers answer */
static const char stage_exec[] = "exec";     /* until one did */

static struct condition *of(struct ready *r, enum condition_id id)
{
	return &r->conditions.list[id];
}

/* News is also that one that was waited for does not hold, and need not. */
static void turn(struct ready *r, struct condition *c, int value, const char *reason)
{
	int was_pending = c->pending;

	c->pending = 0;
	if (condition_turn(c, value, reason))
		timeline_condition(r->tl, c->name, value, c->reason);
	else if (!was_pending)
		return;
	r->changed(r, c);
}

void ready_give_up(struct ready *r, int code, const char *fmt, ...)
{
	va_list ap;

	if (r->hopeless)
		return;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	r->hopeless = code;
	r->changed(r, NULL);
}

/* --- ssh_banner --- */

/* The prober counts for itself, and says only what it came to. */
static void count_banner(struct ready *r)
{
	struct condition *c = of(r, SSH_BANNER);

	if (c->value || r->prober.result.attempts == 0)
		return;
	c->attempts = r->prober.result.attempts;
	if (r->prober.result.why[0])
		condition_missed(c, r->prober.result.why);
}

static void banner_holds(struct ready *r, const char *and)
{
	char reason[CONDITION_TEXT_MAX];

	snprintf(reason, sizeof(reason), "%.40s greeted as %.60s%s", r->prober.result.address,
		 r->prober.result.banner, and);
	turn(r, of(r, SSH_BANNER), 1, reason);
}

static void banner_cannot(struct ready *r, const char *why)
{
	condition_because(of(r, SSH_BANNER), why);
	ready_give_up(r, 1, "ssh_banner cannot come to hold: %.40s: %.500s", r->prober.result.address,
		      why);
}

static void key_checked(struct keycheck *k, enum keycheck_verdict v, const char *why)
{
	struct ready *r = CONTAINER(k, struct ready, keycheck);

	switch (v) {
	case KEYCHECK_RIGHT:
		banner_holds(r, ", and its host key is the right one");
		break;
	case KEYCHECK_WRONG:
		condition_because(of(r, SSH_BANNER), "its host key is not the right one");
		ready_give_up(r, EXIT_MISMATCH, "%s", why);
		break;
	case KEYCHECK_UNKNOWN:
		condition_missed(of(r, SSH_BANNER), why);
		loop_after(r->loop, &r->greet_again, GREET_AGAIN_MS);
		break;
	case KEYCHECK_FAILED:
		banner_cannot(r, why);
	}
}

/* A server has greeted; but who it is its host key says. */
static void banner_done(struct prober *p)
{
	struct ready *r = CONTAINER(p, struct ready, prober);
	struct err e = ERR_NONE;
	int rc = 0;

	count_banner(r);
	if (p->result.verdict != PROBE_OK) {
		banner_cannot(r, p->result.why);
		return;
	}
	if (r->vm)
		rc = keycheck_start(&r->keycheck, r->loop, r->vm, &r->ssh, p->result.at, &e);
	if (rc == 0)
		banner_holds(r, "");
	else if (rc < 0)
		banner_cannot(r, e.text);
}

static void banner_begin(struct ready *r);

static void greet_again_due(struct timer *t)
{
	struct ready *r = CONTAINER(t, struct ready, greet_again);

	prober_stop(&r->prober);
	banner_begin(r);
}

static void banner_begin(struct ready *r)
{
	if (r->ssh.port == 0 || ready_holds(r, SSH_BANNER) || !prober_is_quiet(&r->prober) ||
	    r->keycheck.work)
		return;
	r->keycheck.done = key_checked;
	r->greet_again.due = greet_again_due;
	r->prober.loop = r->loop;
	r->prober.where = &r->ssh;
	r->prober.limits.wait = 1;
	r->prober.done = banner_done;
	prober_start(&r->prober);
}

void ready_expect_ssh(struct ready *r, const struct endpoint *where)
{
	r->ssh = *where;
	of(r, SSH_BANNER)->gates = 1;
	if (!ready_holds(r, SSH_BANNER))
		condition_because(of(r, SSH_BANNER), "no SSH server has answered");
	if (ready_holds(r, VM_ALIVE))
		banner_begin(r);
}

/* --- probes --- */

static void probe_said(struct probe *p, enum probe_news news, const char *text)
{
	struct ready *r = p->owner;
	int never_held = !p->c->value;

	if (news == PROBE_FAILS && never_held && p->wish->is_fatal)
		ready_give_up(r, 1, "%s does not hold, and its start period is over: %.140s",
			      p->c->name, text);
	turn(r, p->c, news == PROBE_HOLDS, text);
}

/* Those from outside can be tried as soon as there is a machine, the others need the agent. */
static void probes_begin(struct ready *r, int from_guest)
{
	for (unsigned i = 0; i < r->ask->probes->count; i++) {
		struct probe *p = &r->probes[i];

		if (p->wish->place.from_guest != from_guest || p->loop)
			continue;
		condition_because(p->c, "");
		probe_start(p, r->loop, r->sockets_dir);
	}
}

/* The guest has come a step further: what was not so may be so now. */
static void probes_hurry(struct ready *r)
{
	for (unsigned i = 0; i < r->ask->probes->count; i++)
		if (!r->probes[i].holds)
			probe_hurry(&r->probes[i]);
}

static void probes_expect(struct ready *r)
{
	for (unsigned i = 0; i < r->ask->probes->count; i++) {
		const struct probe_wish *w = &r->ask->probes->probe[i];
		struct probe *p = &r->probes[i];
		char name[CONDITION_NAME_MAX];

		snprintf(name, sizeof(name), "probe:%s", w->name);
		*p = PROBE_INIT;
		p->wish = w;
		p->owner = r;
		p->said = probe_said;
		p->c = conditions_add(&r->conditions, name);
		p->c->gates = w->is_fatal;
		p->c->warns = p->c->pending = !w->is_fatal;
		condition_because(p->c, w->place.from_guest
						? "not tried before the guest's agent is up"
						: "not tried before the guest runs");
	}
}

/* --- boot_done --- */

static void boot_changed(struct boot *b)
{
	struct ready *r = CONTAINER(b, struct ready, boot);
	const struct script_report *failed = provision_failure(&b->provision);

	if (failed && r->ask->scripts->is_required)
		ready_give_up(r, 1, "provision: %s ended with %d%s%.120s", failed->name,
			      failed->code, failed->said[0] ? ": " : "", failed->said);
	r->changed(r, NULL);
}

static void boot_is_over(struct boot *b, const char *reason)
{
	struct ready *r = CONTAINER(b, struct ready, boot);

	probes_hurry(r);
	turn(r, b->c, 1, reason);
}

/* --- agent_up --- */

static void agent_is_up(struct ready *r, const char *reason)
{
	turn(r, of(r, AGENT_UP), 1, reason);
	probes_begin(r, 1);
	probes_hurry(r);
	if (!ready_holds(r, BOOT_DONE))
		boot_agent_up(&r->boot, r->failed_stages);
}

static void exec_answered(struct heartbeat *h)
{
	struct ready *r = CONTAINER(h, struct ready, heartbeat);

	if (!r->proven)
		timeline_stage(r->tl, stage_exec, STAGE_DONE, "");
	r->proven = 1;
	agent_is_up(r, "the guest said hello and ready, and its exec server answered");
}

/* Its beacon stands, and nobody answers: it is frozen, or has no CPU to itself. */
static void exec_fell_silent(struct heartbeat *h, const char *why)
{
	struct ready *r = CONTAINER(h, struct ready, heartbeat);
	char reason[CONDITION_TEXT_MAX];

	snprintf(reason, sizeof(reason), "the guest's exec server has stopped answering: %s", why);
	turn(r, of(r, AGENT_UP), 0, reason);
}

/* Also of a guest that has lost its connection, and says everything again. */
static void guest_hello(struct ready *r)
{
	loop_cancel(r->loop, &r->expected);
	r->said_ready = 0;
	r->told_ms = r->guest_ms;
	if (r->hello)
		return;
	r->hello = 1;
	condition_because(of(r, AGENT_UP), "the guest said hello, but not ready");
	timeline_stage(r->tl, stage_kernel, STAGE_DONE, "");
	timeline_stage(r->tl, stage_guest, STAGE_BEGIN, "");
}

static void guest_ready(struct ready *r)
{
	if (r->said_ready)
		return;
	r->said_ready = 1;
	if (!r->proven) {
		timeline_stage(r->tl, stage_guest, STAGE_DONE, "");
		timeline_stage(r->tl, stage_exec, STAGE_BEGIN, "");
	}
	condition_because(of(r, AGENT_UP), "the guest's exec server did not answer");
	heartbeat_start(&r->heartbeat, r->loop, r->sockets_dir, of(r, AGENT_UP));
}

static void guest_main_exit(struct ready *r, const struct exec_status *status)
{
	r->main_exited = 1;
	r->main = *status;
	/* A short one may be over before our question is answered; that it ran is proof enough. */
	if (r->said_ready && !ready_holds(r, AGENT_UP))
		agent_is_up(r, "the guest said hello and ready, and how its main process ended");
	r->changed(r, NULL);
}

static void beacon_lost(struct ready *r, const char *why)
{
	heartbeat_stop(&r->heartbeat);
	boot_agent_lost(&r->boot);
	turn(r, of(r, AGENT_UP), 0, why);
}

static void expected_due(struct timer *t)
{
	beacon_lost(CONTAINER(t, struct ready, expected),
		    "the guest's beacon did not come back to its new agent");
}

static void guest_stage(struct ready *r, const struct beacon_stage *s)
{
	if (s->guest_ms < r->told_ms)
		return;
	r->guest_ms = MAX(r->guest_ms, s->guest_ms + 1);
	r->failed_stages += s->state == STAGE_FAILED && !r->said_ready;
	timeline_guest_stage(r->tl, s->name, (enum stage_state)s->state, s->detail, s->guest_ms);
}

static int lookout_said(struct lookout *o, const struct lookout_news *news)
{
	struct ready *r = CONTAINER(o, struct ready, lookout);

	switch (news->type) {
	case FRAME_HELLO:
		guest_hello(r);
		break;
	case FRAME_STAGE:
		guest_stage(r, &news->stage);
		break;
	case FRAME_READY:
		guest_ready(r);
		break;
	case FRAME_MAIN_EXIT:
		guest_main_exit(r, &news->status);
		return r->main_kept ? 0 : -EIO;
	default:
		beacon_lost(r, "the guest's beacon ended");
	}
	return 0;
}

/* --- the whole --- */

void ready_init(struct ready *r)
{
	static const struct probe_wishes no_probes;
	static const struct script_wishes no_scripts;
	static const struct ready_ask nothing = { .probes = &no_probes, .scripts = &no_scripts };

	*r = (struct ready){
		.ask = &nothing,
		.lookout = LOOKOUT_NONE,
		.heartbeat = HEARTBEAT_NONE,
		.boot = BOOT_NONE,
	};
	r->heartbeat.answered = exec_answered;
	r->heartbeat.stopped = exec_fell_silent;
	conditions_init(&r->conditions);
	of(r, VM_ALIVE)->gates = 1;
	condition_because(of(r, VM_ALIVE), "the vmm has not begun to run the guest");
}

void ready_expect(struct ready *r, const struct ready_ask *ask)
{
	int is_plain = ask->way == BOOT_PLAIN;

	r->ask = ask;
	for (unsigned i = 0; i < CONDITIONS_FIXED; i++)
		of(r, i)->gates |= ask->required >> i & 1;
	of(r, AGENT_UP)->gates |= !is_plain;
	of(r, BOOT_DONE)->gates |= ask->scripts->count > 0;
	condition_because(of(r, AGENT_UP), is_plain ? "a plain VM has no agent of ours"
						    : "the guest has not said hello");
	condition_because(of(r, SSH_BANNER), "nobody was asked: no forward leads to its sshd");
	condition_because(of(r, BOOT_DONE), "the guest has not said that its boot is over");
	probes_expect(r);
}

int ready_start(struct ready *r, struct loop *l, struct timeline *tl, int beacon_fd, int notify_fd,
		int sockets_dir, void (*changed)(struct ready *r, const struct condition *c))
{
	int rc;

	r->loop = l;
	r->tl = tl;
	r->sockets_dir = sockets_dir;
	r->changed = changed;
	r->boot.way = r->ask->way;
	r->boot.c = of(r, BOOT_DONE);
	r->boot.changed = boot_changed;
	r->boot.over = boot_is_over;
	rc = boot_start(&r->boot, l, tl, notify_fd, sockets_dir);
	if (rc == 0 && beacon_fd >= 0)
		rc = lookout_start(&r->lookout, l, beacon_fd, tl->boot, lookout_said);
	return rc;
}

void ready_recall(struct ready *r, const struct conditions *known, const struct timeline_past *past)
{
	for (unsigned i = 0; i < r->conditions.count; i++) {
		struct condition *c = &r->conditions.list[i];

		if (!conditions_value(known, c->name))
			continue;
		condition_turn(c, 1, "it held when another agent looked");
		c->pending = 0;
	}
	r->proven = ready_holds(r, AGENT_UP);
	r->boot.is_over = ready_holds(r, BOOT_DONE);
	r->hello = past->hello;
	r->guest_ms = past->guest_ms;
	if (ready_holds(r, VM_ALIVE)) {
		probes_begin(r, 0);
		banner_begin(r);
	}
	if (r->ask->way == BOOT_PLAIN)
		return;
	r->expected.due = expected_due;
	loop_after(r->loop, &r->expected, RETURN_MS);
}

void ready_stop(struct ready *r)
{
	if (r->loop)
		loop_cancel(r->loop, &r->expected);
	prober_stop(&r->prober);
	keycheck_stop(&r->keycheck);
	if (r->greet_again.due)
		loop_cancel(r->loop, &r->greet_again);
	for (unsigned i = 0; i < r->ask->probes->count; i++)
		probe_stop(&r->probes[i]);
	boot_stop(&r->boot);
	heartbeat_stop(&r->heartbeat);
	lookout_stop(&r->lookout);
}

void ready_vm_alive(struct ready *r, int alive, const char *reason)
{
	if (ready_holds(r, VM_ALIVE) == alive)
		return;
	if (alive && r->ask->way != BOOT_PLAIN)
		timeline_stage(r->tl, stage_kernel, STAGE_BEGIN, "");
	turn(r, of(r, VM_ALIVE), alive, reason);
	if (!alive)
		return;
	probes_begin(r, 0);
	banner_begin(r);
}

/* What a guest is to do by itself, it does when it goes on. */
void ready_stand_still(struct ready *r, int still)
{
	heartbeat_hold(&r->heartbeat, still);
	if (still && r->expected.at_ms) {
		loop_cancel(r->loop, &r->expected);
		r->is_expected = 1;
	} else if (!still && r->is_expected) {
		loop_after(r->loop, &r->expected, RETURN_MS);
		r->is_expected = 0;
	}
}

int ready_holds(const struct ready *r, enum condition_id id)
{
	return r->conditions.list[id].value;
}

int ready_is(const struct ready *r)
{
	return conditions_hold(&r->conditions);
}

const struct conditions *ready_conditions(struct ready *r)
{
	count_banner(r);
	return &r->conditions;
}

char *ready_degraded(const struct ready *r, char *out, size_t cap)
{
	const struct condition *c = conditions_warned(&r->conditions);

	out[0] = '\0';
	if (r->boot.is_degraded)
		snprintf(out, cap, "%s", r->boot.c->reason);
	else if (c)
		snprintf(out, cap, "%s: %s", c->name, c->reason);
	return out;
}
