/*
 * vmtool ssh - OpenSSH's client into a VM: no network, no key that was not checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "base/util.h"
#include "host/pins.h"
#include "host/sshclient.h"
#include "host/vmkeys.h"
#include "ssh/config.h"

static const struct opt ssh_opts[] = {
	{ 'u', "user", "USER", "to log in as (default the VM's ssh-user, else root)" },
	{ 'p', "port", "PORT", "of the guest's SSH server (default 22)" },
	{ 'i', "identity", "FILE", "the private key to log in with" },
	{ 't', "tty", NULL, "a terminal there, also for a command" },
	{ 'T', "no-tty", NULL, "no terminal there" },
	{ 'o', "option", "KEY=VALUE", "an option of ssh's; may be given again" },
	{ 0 },
};

enum { ARGS = 64 };

struct sshargs {
	const char *argv[ARGS];
	unsigned count;
};

struct request {
	const char *name, *user;
	int has_identity;
	struct sshargs said; /* options for ssh, as they were given */
	char **command;
};

static int put(struct sshargs *l, const char *arg, struct err *e)
{
	if (l->count + 1 >= ARGS)
		return err_usage(e, "too many options for ssh");
	l->argv[l->count++] = arg;
	return 0;
}

static int put_option(struct sshargs *l, const char *option, struct err *e)
{
	return put(l, "-o", e) < 0 ? e->code : put(l, option, e);
}

static int take_option(struct request *q, int c, const char *value, struct err *e)
{
	static const struct {
		int letter;
		const char *arg;
	} as[] = { { 'i', "-i" }, { 't', "-t" }, { 'T', "-T" }, { 'o', "-o" }, { 'p', "-p" } };
	uint32_t port;

	if (c == 'p' && parse_u32(&port, "--port", value, 1, UINT16_MAX, e) < 0)
		return e->code;
	if (c == 'u')
		return sshconfig_word("--user", q->user = value, e);
	q->has_identity |= c == 'i';
	for (size_t i = 0; i < COUNT(as); i++)
		if (as[i].letter == c && put(&q->said, as[i].arg, e) < 0)
			return e->code;
	return value ? put(&q->said, value, e) : 0;
}

/* ssh joins what it is given with blanks, for the shell over there to take apart: so it is given
 * one word, which that shell takes apart into what we were given. */
static int put_command(struct sshargs *l, char **argv, char **text, struct err *e)
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

/* Ours first, as what is said first counts: nobody turns the check off by an option. */
static int put_all(struct sshargs *l, const struct request *q, const struct sshclient *client,
		   const char *user, char **text, struct err *e)
{
	static char host[80];
	int rc = 0;

	snprintf(host, sizeof(host), "%s.vm", q->name);
	for (unsigned i = 0; rc == 0 && i < client->count; i++)
		rc = put_option(l, client->option[i], e);
	if (rc == 0)
		rc = put_option(l, "ControlPath none", e);
	for (unsigned i = 0; rc == 0 && i < q->said.count; i++)
		rc = put(l, q->said.argv[i], e);
	if (rc == 0 && (rc = put(l, "-l", e)) == 0)
		rc = put(l, user, e);
	if (rc == 0)
		rc = put(l, host, e);
	return rc < 0 ? rc : put_command(l, q->command, text, e);
}

/* --- ssh as a child: of its exit code nobody could tell a wrong key from a guest that is gone --- */

static volatile sig_atomic_t ssh_pid;

static void pass_on(int signal)
{
	if (ssh_pid > 0)
		kill((pid_t)ssh_pid, signal);
}

/* The terminal's own signals reach ssh by themselves; the end of that is ours. */
static void set_signals(void)
{
	static const struct {
		int number;
		void (*handler)(int);
	} all[] = { { SIGINT, SIG_IGN }, { SIGQUIT, SIG_IGN }, { SIGTERM, pass_on }, { SIGHUP, pass_on } };

	for (size_t i = 0; i < COUNT(all); i++) {
		struct sigaction sa = { .sa_handler = all[i].handler, .sa_flags = SA_RESTART };

		sigaction(all[i].number, &sa, NULL);
	}
}

static int exit_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_child(const struct sshargs *l, const char *name, int told, struct err *e)
{
	const struct fdmap fds[] = { { 0, 0 }, { 1, 1 }, { 2, 2 } };
	const struct spawn s = {
		.path = "ssh",
		.argv = (char *const *)l->argv,
		.fds = fds,
		.nfds = COUNT(fds),
		.parent_death_sig = SIGHUP,
	};
	pid_t pid = spawn(&s, NULL);
	int status = 0;
	char byte;

	if (pid == -ENOENT)
		return err_set(e, pid, "ssh: OpenSSH's client is not installed here\n"
				       "  try: vmtool shell %s", name);
	if (pid < 0)
		return err_set(e, pid, "start ssh: %s", strerror(-pid));
	ssh_pid = pid;
	set_signals();
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	ssh_pid = 0;
	return fd_read(told, &byte, 1) == 1 ? EXIT_MISMATCH : exit_of(status);
}

static int run_ssh(const struct request *q, int told[2], struct err *e)
{
	struct sshargs l = { .argv = { "ssh" }, .count = 1 };
	struct sshclient client = { .count = 0 };
	struct vmkeys *k = calloc(1, sizeof(*k));
	struct home home = HOME_NONE;
	char tell[64], *text = NULL;
	int rc = k ? home_open(&home, 0, e) : err_set(e, -ENOMEM, "no memory for a key");

	snprintf(tell, sizeof(tell), "/proc/%d/fd/%d", (int)getpid(), told[1]);
	if (rc == 0)
		rc = vmkeys_find(k, &home, q->name, e);
	if (rc == 0)
		rc = sshclient_init(&client, tell, e);
	if (rc == 0 && k->user[0] && !q->has_identity)
		rc = sshclient_identify(&client, k->client_path, e);
	if (rc == 0)
		rc = put_all(&l, q, &client, q->user ? q->user : k && k->user[0] ? k->user : "root",
			     &text, e);
	if (rc == 0)
		rc = run_child(&l, q->name, told[0], e);
	free(text);
	sshclient_close(&client);
	home_close(&home);
	free(k);
	return rc;
}

static int ssh_run(struct cmdline *cl, struct err *e)
{
	struct request q = { .name = NULL };
	int c, told[2], rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		rc = take_option(&q, c, cl->value, e);
	}
	if (rc < 0)
		return rc;
	q.name = operand(cl, "NAME", e);
	if (!q.name || parse_name(q.name, e) < 0)
		return e->code;
	q.command = operands_command(cl);
	if (pipe2(told, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "a pipe");
	rc = run_ssh(&q, told, e);
	fd_close(&told[0]);
	fd_close(&told[1]);
	return rc;
}

const struct applet applet_ssh = {
	.name = "ssh",
	.args = "NAME [--] [CMD [ARG]...]",
	.help = "Log in to a VM with ssh, or run a command in it",
	.more = "  vmtool ssh web\n"
		"  vmtool ssh web -- printf '%s\\n' 'one word' two\n\n"
		"The arguments arrive as they are, though ssh has a shell there read them: it\n"
		"must be a POSIX one. With ssh-user in vm.ini you log in with a key made for\n"
		"this VM, and its server must show the host key made for it. Else the guest\n"
		"hands over its host keys through its vsock before each connection, only they\n"
		"are taken, and you log in with your own keys. The exit code is the command's; 3\n"
		"when the server shows another key, 255 when ssh failed, 125 when vmtool did.\n",
	.opts = ssh_opts,
	.command_after = 1,
	.failure = 125,
	.run = ssh_run,
};
