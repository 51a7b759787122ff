/*
 * vmtool start - start a VM; return when it is proven ready.
 */
#include "applets/starting.h"
#include "base/parse.h"

enum { OPT_TIMEOUT = OPT_LONG, OPT_READY_FD, OPT_DRY_RUN };

static const struct opt start_opts[] = {
	MACHINE_AND_MAIN_OPTS,
	{ OPT_TIMEOUT, "timeout", "TIME", "deadline for being ready (default 60s)" },
	{ OPT_READY_FD, "ready-fd", "N", "write the line \"ready\" to this descriptor when it is so" },
	DRY_RUN_OPT(OPT_DRY_RUN),
	{ 'q', "quiet", NULL, "do not tell the stages" },
	{ 0 },
};

struct start {
	struct launch_ask ask;
	int tell, dry_run;
};

static int take_options(struct cmdline *cl, struct start *s, struct wish *wish, struct err *e)
{
	int c, rc = 0;

	while (rc >= 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == OPT_TIMEOUT)
			rc = parse_time(&s->ask.timeout_ms, "--timeout", cl->value, e);
		else if (c == OPT_READY_FD)
			rc = launch_ready_fd(&s->ask.ready_fd, cl->value, e);
		else if (c == OPT_DRY_RUN)
			s->dry_run = 1;
		else if (c == 'q')
			s->tell = 0;
		else
			rc = machine_or_main_opt(wish, c, cl->value, e);
	}
	return rc < 0 ? rc : 0;
}

static int start_one(const char *name, void *arg, struct err *e)
{
	struct start *s = arg;

	if (s->dry_run)
		return print_preview(name, s->ask.wish, 0, e);
	s->ask.name = name;
	return start_and_tell(&s->ask, s->tell, e);
}

static int start_run(struct cmdline *cl, struct err *e)
{
	static struct wish wish;
	struct start s = { .ask = { .wish = &wish, .timeout_ms = 60000 }, .tell = 1 };
	struct names names = NAMES_NONE;
	int rc;

	rc = take_options(cl, &s, &wish, e);
	if (rc == 0 && cl->noperands == 0)
		return operand_missing(cl, "NAME", e);
	if (rc == 0)
		rc = vm_operands(&names, cl, &wish, e);
	s.ask.stages = s.tell && names.count == 1; /* those of several would be a muddle */
	if (rc == 0)
		rc = for_each_name(cl, &names, start_one, &s, e);
	names_free(&names);
	return rc;
}

const struct applet applet_start = {
	.name = "start",
	.args = "NAME... [-- CMD [ARG]...]",
	.help = "Start VMs and wait until each is proven ready",
	.more = "A new name makes a new VM, whose options are kept in its vm.ini. Of one that\n"
		"exists the options given here are changed, the others stay. Starting a VM that\n"
		"runs is fine.\n\n"
		"  vmtool start web --kernel ./vmlinux --initrd ./initrd --memory 512M\n\n"
		"Behind -- stands the guest's main process, argument by argument as it is to get\n"
		"them: the VM ends when it does, with its status in `vmtool ls --json`.\n\n"
		"  vmtool start job -u nobody -e MODE=once -- /usr/bin/job 'one argument'\n\n"
		"* may be given again; together they replace what vm.ini had of that key, and an\n"
		"empty value takes it back. WORDS are one argument with blanks between them; a\n"
		"blank inside a word is \\040. vm.ini has the same values, one a line, and can\n"
		"include files and templates (vmtool help config):\n\n"
		"  [guest]\n"
		"  net = eth0 address=10.0.2.15/24 address=fd00::2/64 gateway=10.0.2.2\n"
		"  net = eth1 dhcp\n"
		"  root = /dev/vda ext4\n"
		"  overlay = tmpfs 512M\n"
		"  [main]\n"
		"  arg = /bin/echo\n"
		"  arg = \"a\\nb\"\n\n"
		"An interface with dhcp asks for its IPv4 address, routes and name servers;\n"
		"those given beside it stay, and the given gateway and name servers come first.\n"
		"IPv6 takes what the router advertises, as the sysctl\n"
		"net.ipv6.conf.NAME.accept_ra says.\n",
	.opts = start_opts,
	.command_after = -1,
	.run = start_run,
};
