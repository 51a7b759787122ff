/*
 * boot - when a guest's boot is over: boot_done.
 */
#include "host/boot.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

enum { UNITS_MAX = 100 }; /* of one boot; later ones are not recorded */

static void finished(struct boot *b)
{
	const struct script_report *failed = provision_failure(&b->provision);
	char reason[CONDITION_TEXT_MAX];

	if (failed)
		b->is_degraded = 1;
	snprintf(reason, sizeof(reason), "%.80s%s%.40s%s", b->how,
		 failed		   ? "; of its provision, "
		 : b->provision.vm ? "; its provision is done"
				   : "",
		 failed ? failed->name : "", failed ? " failed" : "");
	b->over(b, reason);
}

static void provision_over(struct provision *p)
{
	finished(CONTAINER(p, struct boot, provision));
}

static void provision_changed(struct provision *p)
{
	struct boot *b = CONTAINER(p, struct boot, provision);

	b->changed(b);
}

/* However many say it, and however often: once. */
static void guest_is_up(struct boot *b, const char *how)
{
	if (b->is_over)
		return;
	b->is_over = 1;
	snprintf(b->how, sizeof(b->how), "%s", how);
	errand_stop(&b->question);
	loop_cancel(b->loop, &b->again);
	if (!b->provision.vm) {
		finished(b);
		return;
	}
	condition_because(b->c, "its provision is not done");
	b->provision.changed = provision_changed;
	b->provision.over = provision_over;
	provision_start(&b->provision, b->loop, b->tl, b->sockets_dir);
}

/* --- another's init --- */

static void ask_later(struct boot *b)
{
	loop_after(b->loop, &b->again, backoff_next(&b->wait));
}

/* What `systemctl is-system-running` says, and what that means for us. Before its manager listens
 * it says none of these. */
static void answered(struct errand *r)
{
	static const struct {
		const char *word;
		int is_degraded;
		const char *how;
	} answers[] = {
		{ "running", 0, "systemd says running" },
		{ "degraded", 1, "systemd says degraded: some of its units failed" },
		{ "maintenance", 1,
		  "systemd says maintenance: it is in its rescue or emergency target" },
	};
	struct boot *b = CONTAINER(r, struct boot, question);
	char text[CONDITION_TEXT_MAX];

	for (size_t i = 0; r->end == ERRAND_EXITED && i < COUNT(answers); i++) {
		if (strcmp(r->said, answers[i].word) != 0)
			continue;
		b->is_degraded |= answers[i].is_degraded;
		guest_is_up(b, answers[i].how);
		return;
	}
	snprintf(text, sizeof(text), "%s%.120s",
		 r->end == ERRAND_EXITED ? "systemctl is-system-running: " : "", r->said);
	condition_missed(b->c, text);
	if (r->end == ERRAND_REFUSED && r->code == 127)
		condition_because(b->c, "the guest's init is no systemd, and says nothing");
	else
		ask_later(b);
}

static void ask(struct timer *t)
{
	static const char *const argv[] = { "systemctl", "is-system-running", "--wait", NULL };
	const struct errand_ask question = { .argv = argv };
	struct boot *b = CONTAINER(t, struct boot, again);

	condition_attempt(b->c);
	b->question.over = answered;
	if (errand_start(&b->question, b->loop, b->sockets_dir, &question) < 0)
		ask_later(b);
}

static void notified(struct notify *n, const struct notify_words *w)
{
	struct boot *b = CONTAINER(n, struct boot, notify);
	char text[CONDITION_TEXT_MAX];

	if (w->is_ready) {
		guest_is_up(b, "the guest's systemd said READY=1");
	} else if (w->unit[0] && !b->is_over) {
		snprintf(text, sizeof(text), "the guest's systemd has reached %s", w->unit);
		condition_because(b->c, text);
		if (++b->units <= UNITS_MAX) /* it is the guest's word, and our disk */
			timeline_guest_unit(b->tl, w->unit);
	}
}

/* --- from outside --- */

int boot_start(struct boot *b, struct loop *l, struct timeline *tl, int notify_fd, int sockets_dir)
{
	b->loop = l;
	b->tl = tl;
	b->sockets_dir = sockets_dir;
	b->again.due = ask;
	return notify_fd < 0 ? 0 : notify_start(&b->notify, l, notify_fd, notified);
}

void boot_agent_up(struct boot *b, int failed_stages)
{
	char how[CONDITION_TEXT_MAX] = "the guest's boot is over";

	if (b->is_over || b->question.work)
		return;
	if (failed_stages) {
		b->is_degraded = 1;
		snprintf(how, sizeof(how), "the guest's boot is over, and %d stage%s of it failed",
			 failed_stages, failed_stages == 1 ? "" : "s");
	}
	if (b->way == BOOT_OURS) {
		guest_is_up(b, how);
	} else {
		condition_because(b->c, "the guest's own init is not through with its boot");
		b->wait.ms = 0;
		ask(&b->again);
	}
}

void boot_agent_lost(struct boot *b)
{
	if (!b->loop)
		return;
	errand_stop(&b->question);
	loop_cancel(b->loop, &b->again);
}

void boot_stop(struct boot *b)
{
	boot_agent_lost(b);
	notify_stop(&b->notify);
	provision_stop(&b->provision);
}
