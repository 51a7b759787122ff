/*
 * vmtool stop - ask a VM to power off; insist when it does not.
 */
#include <stdio.h>
#include <string.h>

#include "applets/several.h"
#include "base/parse.h"
#include "host/agent.h"
#include "host/keeper.h"
#include "host/known.h"

static const struct opt stop_opts[] = {
	ALL_OPT("all that live"),
	{ 't', "timeout", "TIME", "time the guest gets to power off (default 10s)" },
	{ 'f', "force", NULL, "do not ask: kill it at once" },
	{ 'q', "quiet", NULL, "do not tell how it ended" },
	{ 0 },
};

static void report(const char *name, const struct stop_result *r)
{
	static const struct {
		const char *rung, *words;
	} how[] = {
		{ "guest", "powered off by the guest" },
		{ "button", "powered off by its power button" },
		{ "term", "ended by SIGTERM to the vmm" },
		{ "kill", "ended by SIGKILL to the vmm" },
		{ "none", "ended by itself" },
	};
	const char *words = r->rung;

	for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++)
		if (strcmp(r->rung, how[i].rung) == 0)
			words = how[i].words;
	if (r->unanswered)
		fprintf(stderr, "%s: its agent did not answer and was killed\n", name);
	fprintf(stderr, "%s: %s after %lld ms, disks %s (rung %s)\n", name, words, r->ms,
		r->synced ? "synced" : "not confirmed as synced", r->rung);
}

struct stop {
	uint32_t wait_ms;
	int force, quiet;
	enum whom whom;
};

static int stop_one(const char *name, void *arg, struct err *e)
{
	const struct stop *how = arg;
	struct stop_result result;
	struct known vm = KNOWN_NONE;
	int rc = known_find_settled(&vm, name, e);

	if (rc == 0 && !state_is_live(vm.state.state)) {
		if (!how->quiet)
			fprintf(stderr, "%s: is not running (%s)\n", vm.ref.name,
				state_name(vm.state.state));
	} else if (rc == 0) {
		rc = keeper_stop(&vm.ref, &vm.state, how->wait_ms, how->force, &result, e);
		if (rc == 0 && !how->quiet)
			report(vm.ref.name, &result);
	}
	known_close(&vm);
	return rc;
}

static int stop_run(struct cmdline *cl, struct err *e)
{
	struct stop how = { .wait_ms = STOP_MS };
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == 't')
			rc = parse_time(&how.wait_ms, "--timeout", cl->value, e);
		how.force |= c == 'f';
		how.quiet |= c == 'q';
		if (c == 'a')
			how.whom = ALL_LIVING;
	}
	return rc < 0 ? rc : for_each_of(cl, how.whom, stop_one, &how, e);
}

const struct applet applet_stop = {
	.name = "stop",
	.args = "NAME...|--all",
	.help = "Power off VMs, and say which way each ended",
	.more = "The guest ends its processes, syncs its disks and powers off. When it does not\n"
		"in time, or has no agent to be asked, its power button is pressed; then its vmm\n"
		"gets SIGTERM, and 2 seconds later SIGKILL.\n",
	.opts = stop_opts,
	.command_after = -1,
	.run = stop_run,
};
