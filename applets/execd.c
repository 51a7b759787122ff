/*
 * vmtool execd - the guest's exec server as an ordinary process.
 */
#include <unistd.h>

#include "applets/applet.h"
#include "base/log.h"
#include "guest/standalone.h"

static const struct opt execd_opts[] = {
	{ 'l', "listen", "ADDRESS", "unix:PATH or vsock:PORT (default vsock:4089)" },
	{ 0 },
};

static int execd_run(struct cmdline *cl, struct err *e)
{
	const char *address = "vsock:4089";
	int c;

	while ((c = opt_next(cl, e)) > 0)
		address = cl->value;
	if (c < 0 || operands_end(cl, e) < 0)
		return e->code;
	log_open(STDERR_FILENO, "execd", LOG_INFO);
	return standalone_serve(EXECD_PIPES, address, e);
}

const struct applet applet_execd = {
	.name = "execd",
	.args = "",
	.opts = execd_opts,
	.command_after = -1,
	.run = execd_run,
};
