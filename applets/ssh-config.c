/*
 * vmtool ssh-config - what ssh, scp, sftp, rsync and git want to know of our VMs: a file to Include.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "host/names.h"
#include "host/sshclient.h"
#include "host/vmkeys.h"
#include "ssh/config.h"

enum { OPT_CONTROL = OPT_LONG };

static const struct opt ssh_config_opts[] = {
	{ 'u', "user", "USER", "to log in as (default the VM's ssh-user, else root)" },
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

/* What is said first counts: a VM with a key of its own stands before all others. */
static int print_own(const struct home *h, const char *name, const char *user, struct err *e)
{
	struct sshclient client = { .count = 0 };
	struct vmkeys *k = calloc(1, sizeof(*k));
	int rc = k ? vmkeys_find(k, h, name, e) : err_set(e, -ENOMEM, "no memory for a key");

	if (rc == 0 && k->user[0])
		rc = sshclient_identify(&client, k->client_path, e);
	if (client.count > 0)
		printf("Host %s.vm\n\tUser %s\n", name, user ? user : k->user);
	for (unsigned i = 0; i < client.count; i++)
		printf("\t%s\n", client.option[i]);
	sshclient_close(&client);
	free(k);
	return rc;
}

/* One that cannot be read is told, and is no reason to be without the others. */
static void print_all_own(const struct home *h, const char *user)
{
	char(*names)[VM_NAME_ROOM] = NULL;
	struct err e = ERR_NONE;
	int count = store_names(h, &names, &e);

	for (int i = 0; i < count; i++) {
		struct err one = ERR_NONE;

		if (print_own(h, names[i], user, &one) < 0)
			fprintf(stderr, "vmtool ssh-config: %s\n", one.text);
	}
	free(names);
}

static int take_names(struct names *n, struct cmdline *cl, const struct home *h, struct err *e)
{
	const char *name;

	while (e->code == 0 && (name = operand_or_none(cl)))
		if (parse_name(name, e) == 0)
			names_add(n, h, name, e);
	return e->code;
}

static void print_hosts(const struct names *n)
{
	printf("Host");
	if (n->count == 0)
		printf(" *.vm");
	for (size_t i = 0; i < n->count; i++)
		printf(" %s.vm", n->name[i]);
	putchar('\n');
}

static int print_config(const struct names *n, const struct home *h, const char *user,
			unsigned control_ms, struct err *e)
{
	struct sshclient client;
	int rc = sshclient_init(&client, NULL, e);

	if (rc == 0 && n->count == 0)
		print_all_own(h, user);
	for (size_t i = 0; rc == 0 && i < n->count; i++)
		rc = print_own(h, n->name[i], user, e);
	if (rc == 0) {
		print_hosts(n);
		printf("\tUser %s\n", user ? user : "root");
		for (unsigned i = 0; i < client.count; i++)
			printf("\t%s\n", client.option[i]);
		print_control(control_ms);
	}
	sshclient_close(&client);
	return rc;
}

static int ssh_config_run(struct cmdline *cl, struct err *e)
{
	struct home home = HOME_NONE;
	struct names names = NAMES_NONE;
	const char *user = NULL;
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
		rc = home_open(&home, 0, e);
	if (rc == 0)
		rc = take_names(&names, cl, &home, e);
	if (rc == 0)
		rc = print_config(&names, &home, user, control_ms, e);
	names_free(&names);
	home_close(&home);
	return rc;
}

const struct applet applet_ssh_config = {
	.name = "ssh-config",
	.args = "[NAME]...",
	.help = "Print what ssh wants to know of VMs, as a file to Include",
	.more = "  vmtool ssh-config >~/.ssh/vmtool.conf # in ~/.ssh/config: Include vmtool.conf\n"
		"  ssh web.vm; scp file web.vm:; rsync -a dir web.vm:; git clone web.vm:/srv/x\n\n"
		"Without a NAME it is for all VMs, those to come included, as NAME.vm. No\n"
		"network is involved, and no connection is made unchecked: its server must show\n"
		"the key that was made for the VM (ssh-user in vm.ini), or one that the guest\n"
		"hands over through its vsock. That wants OpenSSH 8.5 or later here. A VM that\n"
		"got a key of its own later on wants a new file.\n",
	.opts = ssh_config_opts,
	.command_after = -1,
	.run = ssh_config_run,
};
