/*
 * agent_parts - struct agent: all that one VM's keeper consists of, for the files it is made of.
 *
 *   agent     its life: opened, run, closed; what its parts tell it
 *   setup     what a start does before it has to wait
 *   adopt     what it does instead for a VM that runs already
 *   reboot    the guest's own restart
 *   verdict   how the VM ended, and the writing down of it
 *   requests  what others ask over agent.sock
 *
 * A part is a struct of its own that knows nothing of the agent: it is started with a function to
 * call, and that function, here, finds the agent by CONTAINER(). Each has its stop in close_all().
 */
#ifndef HOST_AGENT_PARTS_H
#define HOST_AGENT_PARTS_H

#include <sys/types.h>

#include "host/agent.h"
#include "host/clocksync.h"
#include "host/config.h"
#include "host/control.h"
#include "host/forwards.h"
#include "host/ladder.h"
#include "host/ready.h"
#include "host/reboot.h"
#include "host/signpost.h"
#include "host/sockets.h"
#include "host/state.h"
#include "host/timeline.h"
#include "host/verdict.h"
#include "host/vmmchild.h"

struct agent {
	const struct agent_ask *ask; /* borrowed */
	struct agent_ask first_ask;  /* of an adopted VM: what its first agent was asked */
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
	struct ready_ask ready_ask;
	struct signpost signpost;
	char told_degraded[300]; /* the event's latest reason, or "" */
	struct ladder ladder;
	struct clocksync clock;
	struct control control;
	struct forwards forwards;
	struct watch leash; /* owned; -1 once the starter is no longer of interest */
	struct timer deadline;
	off_t console_from;
	int cancelled;	 /* the starter hung up */
	int main_exited; /* and the time to power off is running */
	int gave_up;	 /* to adopt it: it is left as it is */
	struct reboots reboots;
	struct verdict verdict;
};

/* Every change of state comes through here, before the step it names. 0 or negative with *e. */
int agent_enter(struct agent *a, enum vm_state state, struct err *e);

/* For a VM that lives whether or not that can be written down: a full disk is no reason to kill. */
void agent_enter_anyway(struct agent *a, enum vm_state state);

/* What the parts tell: for ready_start() and vmmchild_start(). */
void agent_ready_changed(struct ready *r, const struct condition *c);
void agent_vmm_running(struct vmmchild *v);
void agent_disk_failed(struct vmmchild *v, const struct vmm_trouble *t);
void agent_vmm_ended(struct vmmchild *v);
void agent_pause_changed(struct vmmchild *v);
void agent_vmm_went_on(struct vmmchild *v);

/* It is ready: what a ready VM gets from its agent. */
void agent_serve(struct agent *a);

/* The guest has told how its main process ended: it has some time to power off. */
void agent_main_exited(struct agent *a);

/* Nobody follows the start any more; or nobody wants a tied VM any more. */
void agent_let_starter_go(struct agent *a);
void agent_starter_gone(struct agent *a);
void agent_leash_ready(struct watch *w, uint32_t events);

/* Writes down that a start begins, and sets its deadline. 0 or negative with *e filled. */
int agent_enter_start(struct agent *a, struct err *e);

/* Puts the VM on the ladder, or, by force, at its end. */
void agent_stop(struct agent *a, unsigned wait_ms, int force);

static inline int agent_is_starting(const struct agent *a)
{
	return a->st.state == VM_STARTING;
}

/* Since the start was asked for. */
long long agent_elapsed_ms(const struct agent *a);

#endif
