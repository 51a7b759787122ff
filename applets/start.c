/*
 * vmtool start - start a VM; return when it is proven ready.
 */
#include <inttypes.h>
#include <stdio.h>

#include "applets/applet.h"
#include "applets/machine_opts.h"
#include "base/parse.h"
#include "host/launch.h"

enum { OPT_TIMEOUT = OPT_LONG };

static const struct opt start_opts[] = {
	MACHINE_AND_MAIN_OPTS,
	{ OPT_TIMEOUT, "timeout", "TIME", "deadline for being ready (default 60s)" },
	{ 'q', "quiet", NULL, "do not tell the stages" },
	{ 0 },
};

static int report(const struct launch *l, int running)
{
	if (running)
		fprintf(stderr, "%s: is already running, and ready\n", l->claim.vm.name);
	else if (l->ask->stages)
		fprintf(stderr, "ready in %" PRId64 " ms\n", l->ready_ms);
	puts(l->claim.vm.name);
	return 0;
}

static int take_options(struct cmdline *cl, struct launch_ask *ask, struct wish *wish,
			struct err *e)
{
	int c, rc = 0;

	while (rc >= 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == OPT_TIMEOUT)
			rc = parse_time(&ask->timeout_ms, "--timeout", cl->value, e);
		else if (c == 'q')
			ask->stages = 0;
		else
			rc = machine_or_main_opt(wish, c, cl->value, e);
	}
	return rc < 0 ? rc : 0;
}

/* The name, and behind "--" the main process. */
static int take_operands(struct cmdline *cl, struct launch_ask *ask, struct wish *wish,
			 struct err *e)
{
	int rc = 0;

	ask->name = operand(cl, "NAME", e);
	if (!ask->name)
		return e->code;
	if (cl->taken < cl->noperands)
		return operands_end(cl, e);
	for (char **arg = operands_command(cl); rc == 0 && *arg; arg++)
		rc = wish_add(wish, KEY_ARG, *arg, e);
	return rc < 0 ? rc : parse_name(ask->name, e);
}

static int start_run(struct cmdline *cl, struct err *e)
{
	static struct wish wish;
	struct launch_ask ask = { .wish = &wish, .timeout_ms = 60000, .stages = 1 };
	struct launch l = LAUNCH_NONE;
	int running, rc;

	rc = take_options(cl, &ask, &wish, e);
	if (rc == 0)
		rc = take_operands(cl, &ask, &wish, e);
	if (rc < 0)
		return rc;
	running = rc = launch_start(&l, &ask, e);
	if (rc == 0)
		rc = launch_until_ready(&l, e);
	if (rc >= 0)
		rc = report(&l, running);
	launch_close(&l);
	return rc;
}

const struct applet applet_start = {
	.name = "start",
	.args = "NAME [-- CMD [ARG]...]",
	.help = "Start a VM and wait until it is proven ready",
	.more = "A new name makes a new VM, whose options are kept in its vm.ini. Of one that exists\n"
		"the options given here are changed, the others stay. Starting a VM that runs is fine.\n"
		"\n"
		"  vmtool start web --kernel ./vmlinux --initrd ./initrd --memory 512M\n"
		"\n"
		"Behind -- stands the guest's main process, argument by argument as it is to get\n"
		"them: the VM ends when it does, with its status in `vmtool ls --json`.\n"
		"\n"
		"  vmtool start job -u nobody -e MODE=once -- /usr/bin/job 'one argument'\n"
		"\n"
		"* may be given again; together they replace what vm.ini had of that key, and an\n"
		"empty value takes it back. WORDS are one argument with blanks between them; a\n"
		"blank inside a word is \\040. vm.ini has the same values, one a line, and can\n"
		"include files and templates (vmtool help config):\n"
		"\n"
		"  [guest]\n"
		"  net = eth0 address=10.0.2.15/24 address=fd00::2/64 gateway=10.0.2.2\n"
		"  net = eth1 dhcp\n"
		"  root = /dev/vda ext4\n"
		"  overlay = tmpfs 512M\n"
		"  [main]\n"
		"  arg = /bin/echo\n"
		"  arg = \"a\\nb\"\n"
		"\n"
		"An interface with dhcp asks for its IPv4 address, routes and name servers; those\n"
		"given beside it stay, and the given gateway and name servers come first. IPv6 takes\n"
		"what the router advertises, as the sysctl net.ipv6.conf.NAME.accept_ra says.\n",
	.opts = start_opts,
	.command_after = -1,
	.run = start_run,
};
