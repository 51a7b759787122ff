/*
 * vmtool ssh - OpenSSH's client into a VM: no network, no key that was not checked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/sshclient.h"
#include "ssh/config.h"

static const struct opt ssh_opts[] = {
	{ 'u', "user", "USER", "to log in as (default root)" },
	{ 'p', "port", "PORT", "of the guest's SSH server (default 22)" },
	{ 'i', "identity", "FILE", "the private key to log in with" },
	{ 't', "tty", NULL, "a terminal there, also for a command" },
	{ 'T', "no-tty", NULL, "no terminal there" },
	{ 'o', "option", "KEY=VALUE", "an option of ssh's; may be given again" },
	{ 0 },
};

enum { ARGS = 64 };

struct line {
	const char *argv[ARGS];
	unsigned count;
};

static int put(struct line *l, const char *arg, struct err *e)
{
	if (l->count + 1 >= ARGS)
		return err_usage(e, "too many options for ssh");
	l->argv[l->count++] = arg;
	return 0;
}

static int put_option(struct line *l, const char *option, struct err *e)
{
	return put(l, "-o", e) < 0 ? e->code : put(l, option, e);
}

static int take_option(struct line *l, int c, const char *value, struct err *e)
{
	static const struct {
		int letter;
		const char *arg;
	} as[] = { { 'i', "-i" }, { 't', "-t" }, { 'T', "-T" },
		   { 'o', "-o" }, { 'p', "-p" }, { 'u', "-l" } };
	uint32_t port;

	if (c == 'p' && parse_u32(&port, "--port", value, 1, UINT16_MAX, e) < 0)
		return e->code;
	if (c == 'u' && sshconfig_word("--user", value, e) < 0)
		return e->code;
	for (size_t i = 0; i < COUNT(as); i++)
		if (as[i].letter == c && put(l, as[i].arg, e) < 0)
			return e->code;
	return value ? put(l, value, e) : 0;
}

/* ssh joins what it is given with blanks, for the shell over there to take apart: so it is given
 * one word, which that shell takes apart into what we were given. */
static int put_command(struct line *l, char **argv, char **text, struct err *e)
{
	size_t len;
	FILE *out;

	if (!*argv)
		return 0;
	out = open_memstream(text, &len);
	if (!out)
		return err_sys(e, "the command for ssh");
	sshconfig_command(out, argv);
	if (fclose(out) != 0)
		return err_set(e, -ENOMEM, "no memory for the command");
	return put(l, "--", e) < 0 ? e->code : put(l, *text, e);
}

static int run_ssh(struct line *l, const char *name, char **command, struct err *e)
{
	struct sshclient client;
	char host[80], *text = NULL;
	int rc = sshclient_init(&client, e);

	if (rc < 0)
		return rc;
	snprintf(host, sizeof(host), "%s.vm", name);
	for (unsigned i = 0; rc == 0 && i < client.count; i++)
		rc = put_option(l, client.option[i], e);
	if (rc == 0)
		rc = put_option(l, "ControlPath none", e);
	if (rc == 0)
		rc = put(l, host, e);
	if (rc == 0)
		rc = put_command(l, command, &text, e);
	if (rc == 0) {
		execvp("ssh", (char *const *)l->argv);
		rc = errno == ENOENT ? err_set(e, -ENOENT,
					       "ssh: OpenSSH's client is not installed "
					       "here\n  try: vmtool shell %s",
					       name)
				     : err_sys(e, "ssh");
	}
	free(text);
	sshclient_close(&client);
	return rc;
}

static int ssh_run(struct cmdline *cl, struct err *e)
{
	struct line line = { .argv = { "ssh" }, .count = 1 };
	const char *name;
	int c, has_user = 0, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		has_user |= c == 'u';
		rc = take_option(&line, c, cl->value, e);
	}
	if (rc == 0 && !has_user && put(&line, "-l", e) == 0)
		rc = put(&line, "root", e);
	if (rc < 0)
		return rc;
	name = operand(cl, "NAME", e);
	if (!name || parse_name(name, e) < 0)
		return e->code;
	return run_ssh(&line, name, operands_command(cl), e);
}

const struct applet applet_ssh = {
	.name = "ssh",
	.args = "NAME [--] [CMD [ARG]...]",
	.help = "Log in to a VM with ssh, or run a command in it",
	.more = "  vmtool ssh web\n"
		"  vmtool ssh web -- printf '%s\\n' 'one word' two\n\n"
		"The arguments arrive as they are, though ssh has a shell there read them: it must be a\n"
		"POSIX one. The guest hands over its host keys through its vsock before each connection,\n"
		"and only they are taken. You log in with your own keys, as ssh finds them. The exit code\n"
		"is the command's; 255 when ssh failed, 125 when vmtool did.\n",
	.opts = ssh_opts,
	.command_after = 1,
	.failure = 125,
	.run = ssh_run,
};
