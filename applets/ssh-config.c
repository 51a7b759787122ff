/*
 * vmtool ssh-config - what ssh, scp, sftp, rsync and git want to know of our VMs: a file to Include.
 */
#include <stdio.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "host/sshclient.h"
#include "ssh/config.h"

enum { OPT_CONTROL = OPT_LONG };

static const struct opt ssh_config_opts[] = {
	{ 'u', "user", "USER", "to log in as (default root)" },
	{ OPT_CONTROL, "control", "TIME", "keep a connection for the next one for so long" },
	{ 0 },
};

/* ssh's own notation of a time: seconds. */
static void print_control(unsigned ms)
{
	if (ms == 0)
		return;
	printf("\tControlMaster auto\n\tControlPath ~/.ssh/vmtool-%%C\n\tControlPersist %u\n",
	       (ms + 999) / 1000);
}

static int print_hosts(struct cmdline *cl, struct err *e)
{
	const char *name = operand_or_none(cl);

	printf("Host");
	if (!name)
		printf(" *.vm");
	for (; name; name = operand_or_none(cl)) {
		if (parse_name(name, e) < 0)
			return e->code;
		printf(" %s.vm", name);
	}
	putchar('\n');
	return 0;
}

static int ssh_config_run(struct cmdline *cl, struct err *e)
{
	const char *user = "root";
	struct sshclient client;
	unsigned control_ms = 0;
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == 'u')
			rc = sshconfig_word("--user", user = cl->value, e);
		if (c == OPT_CONTROL)
			rc = parse_time(&control_ms, "--control", cl->value, e);
	}
	if (rc == 0)
		rc = sshclient_init(&client, e);
	if (rc < 0)
		return rc;
	rc = print_hosts(cl, e);
	if (rc == 0) {
		printf("\tUser %s\n", user);
		for (unsigned i = 0; i < client.count; i++)
			printf("\t%s\n", client.option[i]);
		print_control(control_ms);
	}
	sshclient_close(&client);
	return rc;
}

const struct applet applet_ssh_config = {
	.name = "ssh-config",
	.args = "[NAME]...",
	.help = "Print what ssh wants to know of VMs, as a file to Include",
	.more = "  vmtool ssh-config >~/.ssh/vmtool.conf     # and in ~/.ssh/config: Include vmtool.conf\n"
		"  ssh web.vm; scp file web.vm:; rsync -a dir web.vm:; git clone web.vm:/srv/x.git\n\n"
		"Without a NAME it is for all VMs, those to come included, as NAME.vm. No network is\n"
		"involved, and no connection is made unchecked: the guest hands its host keys over through\n"
		"its vsock each time. That wants OpenSSH 8.5 or later here.\n",
	.opts = ssh_config_opts,
	.command_after = -1,
	.run = ssh_config_run,
};
