/*
 * vmtool vmm - a machine by hand; and what an agent starts, with descriptors in place: the machine.
 */
#include <fcntl.h>

#include "applets/machine_opts.h"
#include "host/bare.h"
#include "vmm/vmm.h"

enum { OPT_VSOCK = OPT_LONG, OPT_CONSOLE, OPT_KEYS };

#define KEYS_DEFAULT "ctrl-a,x"

static const struct opt vmm_opts[] = {
	BARE_OPTS,
	{ OPT_VSOCK, "vsock", "PATH",
	  "give it a socket device, whose host side listens there (CONNECT PORT)" },
	{ OPT_CONSOLE, "console", "FILE", "add what its serial port says to the file, too" },
	{ OPT_KEYS, "detach-keys", "KEYS", "end it by them (default " KEYS_DEFAULT "); none" },
	{ 0 },
};

/* The agent's way: it has put a description there. */
static int is_described(void)
{
	return fcntl(VMM_FD_SPEC, F_GETFD) >= 0;
}

static int vmm_run(struct cmdline *cl, struct err *e)
{
	static struct wish wish; /* too large for the stack */
	struct bare_ask ask = { .wish = &wish };
	int c, n = 0, rc = detachkeys_parse(&ask.keys, KEYS_DEFAULT, e);

	while (rc >= 0 && (c = opt_next(cl, e)) != 0) {
		n++;
		if (c < 0)
			rc = c;
		else if (c == OPT_VSOCK)
			ask.vsock = cl->value;
		else if (c == OPT_CONSOLE)
			ask.console = cl->value;
		else if (c == OPT_KEYS)
			rc = detachkeys_parse(&ask.keys, cl->value, e);
		else
			rc = machine_opt(&wish, c, cl->value, e);
	}
	if (rc >= 0)
		rc = operands_end(cl, e);
	if (rc < 0)
		return rc;
	if (n == 0 && is_described())
		return vmm_main();
	if (n == 0)
		return err_usage(e, "which machine? Say --kernel FILE, or --config FILE");
	if (wish_has(&wish, KEY_SSH_USER))
		return err_usage(e, "--ssh-user: the key is kept in a VM's folder, and a machine by hand "
				    "has none; vmtool start");
	return bare_run(&ask, e);
}

const struct applet applet_vmm = {
	.name = "vmm",
	.args = "",
	.help = "Run a machine by hand, without an agent or anything kept",
	.more = "  vmtool vmm --kernel ./vmlinux --initrd ./initrd --memory 512M\n"
		"  vmtool vmm --kernel ./vmlinux --plain --disk root.img --append root=/dev/vda\n"
		"  vmtool vmm --config ./machine.ini --vsock ./v.sock\n"
		"  vmtool exec unix:./v.sock uname -a\n\n"
		"Our terminal is its serial console, or our stdin and stdout are. It says no\n"
		"ready and does no more than the machine: exit code 0 when the guest has powered\n"
		"off. A reboot is one, unless --reboot end. INT and TERM, and ctrl-a x on a\n"
		"terminal, end it; PWR presses its power button. --config takes a file as\n"
		"vm.ini, of which [ready], [forward] and [provision] mean nothing here. --plain:\n"
		"the guest's own /init is left as it is; else it is ours.\n",
	.opts = vmm_opts,
	.command_after = -1,
	.run = vmm_run,
};
