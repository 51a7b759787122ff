/*
 * vmtool --list - its public words, one a line.
 */
#include <stdio.h>

#include "applets/applet.h"

static int words_run(struct cmdline *cl, struct err *e)
{
	int rc = cmdline_end(cl, e);

	if (rc < 0)
		return rc;
	for (const struct applet *const *a = applets; *a; a++)
		if ((*a)->help)
			puts((*a)->name);
	return 0;
}

const struct applet applet_words = {
	.name = "words",
	.args = "",
	.command_after = -1,
	.run = words_run,
};
