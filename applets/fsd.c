/*
 * vmtool fsd - one answer about files on a connection the agent hands over; never typed by a person.
 */
#include "guest/fsd.h"
#include "applets/applet.h"
#include "base/parse.h"
#include "base/util.h"

static int fsd_run(struct cmdline *cl, struct err *e)
{
	const char *const what[] = { "OP", "FLAGS", "MODE" };
	const uint32_t max[] = { FS_OPS_END - 1, FS_FLAGS, 01777 };
	uint32_t number[COUNT(what)];
	struct fs_req q;

	if (opt_next(cl, e) < 0)
		return e->code;
	for (size_t i = 0; i < COUNT(what); i++) {
		const char *text = operand(cl, what[i], e);

		if (!text || parse_u32(&number[i], what[i], text, i == 0, max[i], e) < 0)
			return e->code;
	}
	q.op = (uint8_t)number[0];
	q.flags = (uint16_t)number[1];
	q.mode = (uint16_t)number[2];
	if (!(q.user = operand(cl, "USER", e)) || !(q.path = operand(cl, "PATH", e)) ||
	    !(q.to = operand(cl, "TO", e)) || operands_end(cl, e) < 0)
		return e->code;
	return fsd_answer(&q) < 0; /* the host has been told why */
}

const struct applet applet_fsd = {
	.name = "fsd",
	.args = "OP FLAGS MODE USER PATH TO",
	.command_after = -1,
	.run = fsd_run,
};
