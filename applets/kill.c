/*
 * vmtool kill - a signal for the VM's main process, or the end of its machine.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets/several.h"
#include "base/clock.h"
#include "host/inquiry.h"
#include "host/keeper.h"
#include "host/known.h"
#include "host/signals.h"
#include "host/target.h"

/* A guest that hangs is said to hang before people give up on us. */
enum { GUEST_MS = 5000 };

enum { OPT_VMM = OPT_LONG, OPT_LIST };

static const struct opt kill_opts[] = {
	ALL_OPT("all that live"),
	{ 's', "signal", "SIGNAL", "which: TERM, SIGTERM or 15 (default TERM)" },
	{ OPT_VMM, "vmm", NULL, "for the machine, not for what runs in it: TERM or KILL" },
	{ OPT_LIST, "list", NULL, "print the signals' names and numbers" },
	{ 'q', "quiet", NULL, "do not tell what was done" },
	{ 0 },
};

struct kill {
	uint32_t signal;
	int vmm, list, quiet;
	enum whom whom;
};

enum { SIGNAL_ROOM = 24 };

static const char *text_of(char out[SIGNAL_ROOM], uint32_t number)
{
	const char *name = signals_name(number);

	if (name)
		snprintf(out, SIGNAL_ROOM, "SIG%s", name);
	else
		snprintf(out, SIGNAL_ROOM, "signal %u", (unsigned)number);
	return out;
}

/* The machine knows two of them: to end, and to end at once. */
static int kill_machine(struct known *vm, const struct kill *k, struct err *e)
{
	struct stop_result result;
	char text[SIGNAL_ROOM];
	int rc;

	if (k->signal != SIGTERM && k->signal != SIGKILL)
		return err_set(e, -ENOTSUP, "%s: %s%s: its machine can be sent TERM and KILL alone",
			       vm->ref.name, k->vmm ? "" : "has no main process to get ",
			       text_of(text, k->signal));
	rc = keeper_stop(&vm->ref, &vm->state, 0, k->signal == SIGKILL, &result, e);
	if (rc == 0 && !k->quiet)
		fprintf(stderr, "%s: its machine was ended (rung %s)\n", vm->ref.name, result.rung);
	return rc;
}

static int kill_main(const struct known *vm, const char *vsock, const struct kill *k, struct err *e)
{
	char text[SIGNAL_ROOM];
	int rc = inquiry_signal_main(vsock, k->signal, clock_ms() + GUEST_MS, e);

	if (rc == 0 && !k->quiet)
		fprintf(stderr, "%s: %s was sent to its main process\n", vm->ref.name,
			text_of(text, k->signal));
	return rc < 0 ? err_in(e, "%s", vm->ref.name) : 0;
}

/* Whom the guest says the signal is for. */
static int kill_in_guest(struct known *vm, const char *vsock, const struct kill *k, struct err *e)
{
	struct inquiry *q = malloc(sizeof(*q));
	int rc, main_state;

	if (!q)
		return err_set(e, -ENOMEM, "out of memory");
	rc = inquiry_make(q, vsock, clock_ms() + GUEST_MS, e);
	main_state = q->info.main;
	free(q);
	if (rc < 0) {
		err_in(e, "%s", vm->ref.name);
		return err_more(e, "\n  try: vmtool kill --vmm %s", vm->ref.name);
	}
	if (main_state == INFO_MAIN_ENDED)
		return err_set(e, -ESRCH, "%s: its main process has ended", vm->ref.name);
	return main_state == INFO_MAIN_RUNNING ? kill_main(vm, vsock, k, e)
					       : kill_machine(vm, k, e);
}

static int kill_one(const char *name, void *arg, struct err *e)
{
	const struct kill *k = arg;
	struct target t = TARGET_NONE;
	struct known vm = KNOWN_NONE;
	int rc = known_find_live(&vm, name, e);

	if (rc == 0 && (k->vmm || !state_holds(&vm.state, AGENT_UP)))
		rc = kill_machine(&vm, k, e);
	else if (rc == 0 && (rc = target_vm(&t, &vm.ref, &vm.state, e)) == 0)
		rc = kill_in_guest(&vm, t.vsock, k, e);
	target_close(&t);
	known_close(&vm);
	return rc;
}

static int kill_run(struct cmdline *cl, struct err *e)
{
	struct kill k = { .signal = SIGTERM };
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == 's')
			rc = signals_parse(&k.signal, "--signal", cl->value, e);
		k.vmm |= c == OPT_VMM;
		k.list |= c == OPT_LIST;
		k.quiet |= c == 'q';
		if (c == 'a')
			k.whom = ALL_LIVING;
	}
	if (rc == 0 && k.list)
		rc = operands_end(cl, e);
	if (rc < 0)
		return rc;
	if (!k.list)
		return for_each_of(cl, k.whom, kill_one, &k, e);
	signals_print();
	return 0;
}

const struct applet applet_kill = {
	.name = "kill",
	.args = "NAME...|--all",
	.help = "Send a signal to the main process of VMs, or end their machines",
	.more = "A VM that was started with -- CMD has a main process, whose process group gets\n"
		"the signal; what it makes of it is its own affair. One without is a machine\n"
		"alone: TERM ends it, KILL at once and without its agent's help, and any other\n"
		"signal is refused. The guest is not asked then, and its disks are not synced:\n"
		"`vmtool stop` does that.\n\n"
		"  vmtool kill -s HUP job\n"
		"  vmtool kill -s KILL --vmm job\n",
	.opts = kill_opts,
	.command_after = -1,
	.run = kill_run,
};
