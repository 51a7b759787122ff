/*
 * reboot - a guest that restarts itself: a new machine under the same agent, with the same sockets.
 */
#include "host/reboot.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "host/agent_parts.h"
#include "host/chance.h"
#include "host/console.h"
#include "host/setup.h"

static int is_too_often(const struct reboots *r)
{
	return r->count >= REBOOTS_MAX &&
	       clock_ms() - r->at_ms[r->count % REBOOTS_MAX] < REBOOTS_MS;
}

int reboot_is_wanted(struct agent *a)
{
	char line[200];

	/* A VM that is for one process ends with it; and one that is not ready has not booted yet. */
	if (strcmp(a->vmm.reason, "guest_reboot") != 0 || a->st.state != VM_RUNNING ||
	    a->verdict.reason || a->ask->tied || a->config.guest.desc.has_main || a->config.reboot_ends ||
	    console_panic(&a->vm, a->console_from, line, sizeof(line)))
		return 0;
	if (is_too_often(&a->reboots)) {
		verdict_give(&a->verdict, "error", 1,
			     "the guest rebooted %d times within %d seconds: it is not started again",
			     REBOOTS_MAX + 1, REBOOTS_MS / 1000);
		return 0;
	}
	a->reboots.at_ms[a->reboots.count++ % REBOOTS_MAX] = clock_ms();
	return 1;
}

/* The old boot is told to its end; what it had found out is forgotten. */
static void end_boot(struct agent *a)
{
	char detail[sizeof(a->vmm.detail) + 32];
	const struct timeline_end x = {
		.reason = "guest_reboot",
		.detail = detail,
		.ran = 1,
		.console_from = a->console_from,
	};

	snprintf(detail, sizeof(detail), "%s%sit starts again", a->vmm.detail, *a->vmm.detail ? "; " : "");
	ready_vm_alive(&a->ready, 0, "guest_reboot");
	timeline_exit(&a->tl, &x);
	clocksync_stop(&a->clock);
	ready_stop(&a->ready);
	ready_init(&a->ready);
}

int reboot_begin(struct agent *a, struct err *e)
{
	uint32_t timeout_ms = (uint32_t)(a->st.deadline_ms - a->st.started_ms);
	int rc;

	end_boot(a);
	rc = chance_boot_id(a->st.boot, e);
	if (rc < 0)
		return rc;
	a->first_ask = *a->ask;
	a->first_ask.fresh = 0; /* it has been ready: whatever comes of this, the VM stays */
	a->first_ask.since_ms = clock_ms();
	a->first_ask.timeout_ms = timeout_ms;
	a->ask = &a->first_ask;
	a->tl.start_ms = a->ask->since_ms;
	rc = agent_enter_start(a, e);
	return rc < 0 ? rc : setup_again(a, e);
}
