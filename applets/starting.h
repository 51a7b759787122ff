/*
 * starting - what the words that make and start VMs have in common.
 */
#ifndef APPLETS_STARTING_H
#define APPLETS_STARTING_H

#include <inttypes.h>
#include <stdio.h>

#include "applets/machine_opts.h"
#include "applets/several.h"
#include "host/launch.h"
#include "host/origins.h"

/* The names, and behind "--" the main process. */
static inline int vm_operands(struct names *n, struct cmdline *cl, struct wish *wish, struct err *e)
{
	struct home home = HOME_NONE;
	int rc = home_open(&home, 0, e);

	while (rc == 0 && cl->taken < cl->noperands)
		rc = names_add(n, &home, operand_or_none(cl), e);
	home_close(&home);
	for (char **arg = operands_command(cl); rc == 0 && *arg; arg++)
		rc = wish_add(wish, KEY_ARG, *arg, e);
	return rc;
}

#define DRY_RUN_OPT(NUMBER) \
	{ NUMBER, "dry-run", NULL, "only check it, and print what vm.ini would say; nothing is made" }

/* As `show --config` would print it. NULL: a VM without a name. 0 or negative with *e filled. */
static inline int print_preview(const char *name, const struct wish *wish, int must_be_new,
				struct err *e)
{
	struct claim k = CLAIM_NONE;
	struct config c;
	int rc;

	k.name = name;
	k.wish = wish;
	k.must_be_new = must_be_new;
	rc = claim_preview(&k, &c, e);
	if (rc == 0)
		origins_print(&c);
	claim_close(&k);
	return rc;
}

/* A start from the wish to the proof, with its name on stdout. 0 or negative with *e filled. */
static inline int start_and_tell(const struct launch_ask *ask, int tell, struct err *e)
{
	struct launch l = LAUNCH_NONE;
	int running, rc;

	running = rc = launch_start(&l, ask, e);
	if (rc == 0)
		rc = launch_until_ready(&l, e);
	if (rc >= 0) {
		const char *name = l.claim.vm.name;

		if (running)
			fprintf(stderr, "%s: is already running, and ready\n", name);
		else if (tell)
			fprintf(stderr, "%s%sready in %" PRId64 " ms\n", ask->stages ? "" : name,
				ask->stages ? "" : ": ", l.leash.ready_ms);
		launch_tell_degraded(&l);
		puts(name);
		rc = 0;
	}
	launch_close(&l);
	return rc;
}

#endif
