/*
 * sshclient - how OpenSSH's client reaches the guests of ours, as options of ssh_config(5).
 */
#include "host/sshclient.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "ssh/config.h"

static int add(struct sshclient *c, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int add(struct sshclient *c, struct err *e, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_set(e, -ENOMEM, "no memory for an option of ssh");
	c->option[c->count++] = text;
	return 0;
}

/* vmtool as a command of ssh's: this very file, and the state it has now. */
static int own_command(char *out, size_t cap, struct err *e)
{
	enum { WORD_ROOM = PATH_ROOM + 64 };
	static char self[PATH_ROOM], self_word[WORD_ROOM], home_word[WORD_ROOM];
	const char *home = getenv("VMTOOL_HOME");
	char assignment[PATH_ROOM];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return err_sys(e, "who am I: /proc/self/exe");
	self[n] = '\0';
	if (sshconfig_path(self_word, sizeof(self_word), self, e) < 0)
		return e->code;
	if (!home || !*home) {
		snprintf(out, cap, "%s", self_word);
		return 0;
	}
	if (path_fmt(assignment, e, "VMTOOL_HOME=%s", home) < 0 ||
	    sshconfig_path(home_word, sizeof(home_word), assignment, e) < 0)
		return e->code;
	snprintf(out, cap, "/usr/bin/env %s %s", home_word, self_word);
	return 0;
}

int sshclient_init(struct sshclient *c, const char *tell, struct err *e)
{
	static const char guest[] = "known-hosts guest --as %H --shown %t:%K";
	char vmtool[SSHCLIENT_ROOM];

	*c = (struct sshclient){ .count = 0 };
	if (own_command(vmtool, sizeof(vmtool), e) < 0 ||
	    add(c, e, "ProxyCommand %s ssh-proxy %%h:%%p", vmtool) < 0 ||
	    add(c, e, "KnownHostsCommand %s %s%s%s %%n", vmtool, guest, tell ? " --tell " : "",
		tell ? tell : "") < 0 ||
	    add(c, e, "UserKnownHostsFile none") < 0 ||
	    add(c, e, "GlobalKnownHostsFile none") < 0 ||
	    add(c, e, "StrictHostKeyChecking yes") < 0 || add(c, e, "CheckHostIP no") < 0 ||
	    add(c, e, "UpdateHostKeys no") < 0) {
		sshclient_close(c);
		return e->code;
	}
	return 0;
}

int sshclient_identify(struct sshclient *c, const char *path, struct err *e)
{
	char word[SSHCLIENT_ROOM];

	if (sshconfig_file(word, sizeof(word), path, e) < 0)
		return e->code;
	return add(c, e, "IdentityFile %s", word) < 0 ? e->code : add(c, e, "IdentitiesOnly yes");
}

void sshclient_close(struct sshclient *c)
{
	while (c->count > 0)
		free(c->option[--c->count]);
}
