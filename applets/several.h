/*
 * several - for the words that do the same to each VM that is named.
 */
#ifndef APPLETS_SEVERAL_H
#define APPLETS_SEVERAL_H

#include "applets/applet.h"
#include "host/batch.h"

/* All operands as names of VMs, one at least. 0 or negative with *e filled. */
static inline int names_of_operands(struct names *n, struct cmdline *cl, struct err *e)
{
	const char *typed = operand(cl, "NAME", e);
	struct home home = HOME_NONE;
	int rc = typed ? home_open(&home, 0, e) : e->code;

	for (; rc == 0 && typed; typed = operand_or_none(cl))
		rc = names_add(n, &home, typed, e);
	home_close(&home);
	return rc;
}

/* For the table of a word that takes --all instead of names. */
#define ALL_OPT(WHOM) { 'a', "all", NULL, WHOM ", instead of NAMEs" }

enum whom { NAMED, ALL_LIVING, ALL };

/* Nobody is meant unless it is said: --all is never a word's own idea, and goes with no name. */
static inline int names_of(struct names *n, struct cmdline *cl, enum whom whom, struct err *e)
{
	struct home home = HOME_NONE;
	int rc;

	if (whom == NAMED)
		return names_of_operands(n, cl, e);
	rc = operands_end(cl, e);
	if (rc == 0)
		rc = home_open(&home, 0, e);
	if (rc == 0)
		rc = names_add_all(n, &home, whom == ALL_LIVING, e);
	home_close(&home);
	return rc;
}

static inline void tell_failure(const struct err *e, void *cl)
{
	applet_complain(((const struct cmdline *)cl)->applet, e);
}

/* The exit status, or negative with *e filled. */
static inline int for_each_name(struct cmdline *cl, const struct names *n,
				int (*one)(const char *name, void *arg, struct err *e), void *arg,
				struct err *e)
{
	const struct batch b = { one, arg, tell_failure, cl, cl->applet->failure };

	return batch_run(&b, n, e);
}

static inline int for_each_of(struct cmdline *cl, enum whom whom,
			      int (*one)(const char *name, void *arg, struct err *e), void *arg,
			      struct err *e)
{
	struct names n = NAMES_NONE;
	int rc = names_of(&n, cl, whom, e);

	if (rc == 0)
		rc = for_each_name(cl, &n, one, arg, e);
	names_free(&n);
	return rc;
}

#endif
