/*
 * vmtool filed - one file copy on a connection the agent hands over; never typed by a person.
 */
#include <string.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "guest/filed.h"

static int filed_run(struct cmdline *cl, struct err *e)
{
	struct copy_req q;
	const char *what, *flags;
	uint32_t bits;
	int rc;

	if (opt_next(cl, e) < 0 || !(what = operand(cl, "put|get", e)) ||
	    !(flags = operand(cl, "FLAGS", e)) || !(q.user = operand(cl, "USER", e)) ||
	    !(q.path = operand(cl, "PATH", e)) || operands_end(cl, e) < 0)
		return e->code;
	rc = parse_u32(&bits, "FLAGS", flags, 0, COPY_FLAGS, e);
	if (rc < 0)
		return rc;
	q.flags = (uint16_t)bits;
	rc = strcmp(what, "put") ? filed_get(&q, e) : filed_put(&q, e);
	return rc < 0 ? 1 : 0; /* the host has been told why */
}

const struct applet applet_filed = {
	.name = "filed",
	.args = "put|get FLAGS USER PATH",
	.command_after = -1,
	.run = filed_run,
};
