/*
 * adopt - what an agent does instead of a start when it takes over a VM that has lost its own.
 */
#include "host/adopt.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/agent_parts.h"
#include "host/published.h"
#include "host/setup.h"

/* A tied VM's starter may live: its end is the VM's, as the end of the leash would have been. */
static int hold_to_starter(struct agent *a, struct err *e)
{
	int fd, rc;

	if (!a->st.tied || a->ask->by_starter)
		return 0;
	fd = procid_open(&a->st.starter);
	if (fd < 0) {
		agent_starter_gone(a);
		return 0;
	}
	a->leash = (struct watch){ fd, agent_leash_ready };
	rc = loop_add(&a->loop, &a->leash, EPOLLIN);
	return rc < 0 ? err_set(e, rc, "watch the starter: %s", strerror(-rc)) : 0;
}

/* What was under way goes on. */
static void resume(struct agent *a)
{
	if (a->st.has_status)
		agent_main_exited(a);
	if (a->st.state == VM_STOPPING)
		agent_stop(a, STOP_MS, 0);
	else if (a->st.ready)
		agent_serve(a);
}

int adopt_begin(struct agent *a, struct err *e)
{
	struct timeline_past past;
	int rc;

	timeline_recall(&a->tl, &past);
	a->console_from = (off_t)a->st.console_from;
	a->vmm.troubles = past.troubles; /* an agent before us told of them */
	rc = sockets_rejoin(&a->sockets, a->st.sockets, e);
	if (rc < 0)
		return rc;
	rc = setup_listen(a, e);
	if (rc == 0)
		ready_recall(&a->ready, &a->st.conditions, &past);
	if (rc == 0)
		rc = setup_rejoin(a, e);
	if (rc < 0)
		return rc;
	published_rejoin(a);
	agent_enter_anyway(a, a->st.state);
	timeline_agent(&a->tl, "host", "back");
	if (!a->ask->by_starter)
		agent_let_starter_go(a);
	rc = hold_to_starter(a, e);
	resume(a);
	return rc;
}
