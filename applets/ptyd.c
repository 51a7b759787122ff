/*
 * vmtool ptyd - the guest's PTY server as an ordinary process.
 */
#include <unistd.h>

#include "applets/applet.h"
#include "base/log.h"
#include "guest/standalone.h"

static const struct opt ptyd_opts[] = {
	{ 'l', "listen", "ADDRESS", "unix:PATH or vsock:PORT (default vsock:4090)" },
	{ 0 },
};

static int ptyd_run(struct cmdline *cl, struct err *e)
{
	const char *address = "vsock:4090";
	int c;

	while ((c = opt_next(cl, e)) > 0)
		address = cl->value;
	if (c < 0 || operands_end(cl, e) < 0)
		return e->code;
	log_open(STDERR_FILENO, "ptyd", LOG_INFO);
	return standalone_serve(EXECD_TERMINALS, address, e);
}

const struct applet applet_ptyd = {
	.name = "ptyd",
	.args = "",
	.opts = ptyd_opts,
	.command_after = -1,
	.run = ptyd_run,
};
