/*
 * verdict - how the VM ended: as somebody decided before, or as its vmm and its guest tell.
 */
#include "host/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/agent_parts.h"
#include "host/console.h"
#include "host/text.h"

void verdict_give(struct verdict *v, const char *reason, int code, const char *fmt, ...)
{
	char text[sizeof(v->detail)];
	va_list ap;

	if (v->reason)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_escape(v->detail, sizeof(v->detail), text, strlen(text));
	v->reason = reason;
	v->code = code;
}

/* What an end means while the VM was starting. */
static const char *before_ready(const char *reason)
{
	static const struct {
		const char *reason, *words;
	} ends[] = {
		{ "guest_poweroff", "the guest powered off before it was ready" },
		{ "guest_reboot", "the guest rebooted before it was ready" },
		{ "main_exited", "the guest's main process ended before it was ready" },
		{ "killed", "the machine was ended before it was ready" },
		{ "panic", "the guest's kernel panicked" },
		{ "vmm_crash", "the vmm process crashed" },
	};

	for (size_t i = 0; i < COUNT(ends); i++)
		if (strcmp(reason, ends[i].reason) == 0)
			return ends[i].words;
	return "the vmm failed";
}

void verdict_of_end(struct agent *a)
{
	const char *reason = a->vmm.reason, *words, *detail = a->vmm.detail;
	char line[200];

	/* With panic=-1 a panicked kernel resets the machine. */
	if ((!strcmp(reason, "guest_reboot") || !strcmp(reason, "panic")) &&
	    console_panic(&a->vm, a->console_from, line, sizeof(line))) {
		reason = "panic";
		detail = line;
	} else if (a->st.has_status && strcmp(reason, "guest_poweroff") == 0) {
		reason = "main_exited";
	}
	if (!agent_is_starting(a)) {
		verdict_give(&a->verdict, reason, 0, "%s", detail);
		return;
	}
	if (!a->vmm.ran) {
		verdict_give(&a->verdict, reason, 1, "%s", detail);
		return;
	}
	words = *detail ? detail : before_ready(reason);
	verdict_give(&a->verdict, reason, 1,
		     "%s, %lld ms after the start was asked for; last stage: %s", words,
		     agent_elapsed_ms(a), a->tl.last);
}

/* What the guest said of its failure, while its console can still be found. */
static void diagnose_end(struct agent *a)
{
	struct patient p = {
		.has_disks = a->config.disks.count > 0,
		.ran = a->vmm.ran,
		.timed_out = a->verdict.code == 124,
	};

	diagnose_vm(&a->st.diagnosis, &p, &a->vm, a->console_from);
}

void verdict_carry_out(struct agent *a)
{
	struct timeline_end x = {
		.reason = a->verdict.reason,
		.detail = a->verdict.detail,
		.has_status = a->st.has_status,
		.status = a->st.status,
		.ran = a->vmm.ran,
		.rung = rung_name(a->ladder.rung),
		.code = a->verdict.code,
		.console_from = a->console_from,
	};

	/* A start that was cancelled or stopped did what it was told; any other end of it failed. */
	int failed = agent_is_starting(a) && strcmp(a->verdict.reason, "killed") != 0;

	if (failed || state_after(a->verdict.reason) == VM_FAILED)
		diagnose_end(a);
	x.diagnosis = a->st.diagnosis;
	snprintf(a->st.reason, sizeof(a->st.reason), "%s", a->verdict.reason);
	text_escape(a->st.detail, sizeof(a->st.detail), a->verdict.detail,
		    strlen(a->verdict.detail));
	snprintf(a->st.rung, sizeof(a->st.rung), "%s", rung_name(a->ladder.rung));
	a->st.agent = (struct procid){ 0 };
	a->st.sockets[0] = '\0';
	loop_cancel(&a->loop, &a->deadline);
	agent_enter_anyway(a, failed ? VM_FAILED : state_after(a->verdict.reason));
	timeline_exit(&a->tl, &x);
	loop_stop(&a->loop, 0);
}
