/*
 * vmtool ssh-proxy - a port of a VM's guest on stdin and stdout, as ssh's ProxyCommand wants it.
 */
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/parse.h"
#include "host/plug.h"
#include "host/stream.h"

enum { OPT_PORT = OPT_LONG, OPT_FDPASS, OPT_TIMEOUT };
enum { SSH_PORT = 22, CONNECT_MS = 10000 };

static const struct opt ssh_proxy_opts[] = {
	{ 'p', "port", "PORT", "of the guest's localhost (default 22, or as behind NAME)" },
	{ OPT_FDPASS, "fdpass", NULL, "hand the connection to ssh, and leave (ProxyUseFdpass)" },
	{ OPT_TIMEOUT, "timeout", "TIME", "to be connected within (default 10s)" },
	{ 0 },
};

/* What ssh has for a host: NAME, NAME.vm, either with :PORT; or unix:PATH as it is. */
struct destination {
	char target[PATH_ROOM + 8];
	uint32_t port;
};

static int take_name(struct destination *d, const char *text, struct err *e)
{
	char *colon, *dot;

	if ((size_t)snprintf(d->target, sizeof(d->target), "%s", text) >= sizeof(d->target))
		return err_usage(e, "'%.40s...' is too long for a VM's name", text);
	if (!strncmp(text, "unix:", 5))
		return 0;
	colon = strrchr(d->target, ':');
	if (colon) {
		*colon = '\0';
		if (parse_u32(&d->port, "PORT", colon + 1, 1, UINT16_MAX, e) < 0)
			return e->code;
	}
	dot = strrchr(d->target, '.');
	if (dot && !strcmp(dot, ".vm"))
		*dot = '\0';
	return 0;
}

static int proxy(const struct destination *d, uint32_t timeout_ms, int pass, struct err *e)
{
	const struct stream_req q = {
		.kind = STREAM_TCP,
		.address = "localhost",
		.port = (uint16_t)d->port,
		.timeout_ms = timeout_ms,
	};
	struct target t = TARGET_NONE;
	int fd, rc = target_find(&t, d->target, e);

	if (rc == 0)
		rc = fd = stream_open(&t, &q, e);
	target_close(&t);
	if (rc < 0)
		return rc;
	if (!pass)
		return plug_run(fd, e);
	rc = plug_pass(fd, e);
	fd_close(&fd);
	return rc;
}

static int ssh_proxy_run(struct cmdline *cl, struct err *e)
{
	struct destination d = { .port = SSH_PORT };
	uint32_t timeout_ms = CONNECT_MS, port = 0;
	int c, pass = 0, rc = 0;
	const char *name;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == 'p')
			rc = parse_u32(&port, "--port", cl->value, 1, UINT16_MAX, e);
		if (c == OPT_TIMEOUT)
			rc = parse_time(&timeout_ms, "--timeout", cl->value, e);
		pass |= c == OPT_FDPASS;
	}
	if (rc < 0)
		return rc;
	name = operand(cl, "NAME", e);
	if (!name || operands_end(cl, e) < 0 || take_name(&d, name, e) < 0)
		return e->code;
	if (timeout_ms == 0 || timeout_ms > STREAM_TIMEOUT_MAX)
		return err_usage(e, "--timeout: from 1ms to 10m");
	d.port = port ? port : d.port;
	return proxy(&d, timeout_ms, pass, e);
}

const struct applet applet_ssh_proxy = {
	.name = "ssh-proxy",
	.args = "NAME[:PORT]",
	.help = "Be the connection to a port in a VM, on stdin and stdout",
	.more = "  ssh -o ProxyCommand='vmtool ssh-proxy %h:%p' root@web.vm\n"
		"  ssh -o ProxyCommand='vmtool ssh-proxy --fdpass %h:%p' \\\n"
		"    -o ProxyUseFdpass=yes root@web.vm\n\n"
		"No network is involved: the guest's own localhost is reached through its vsock.\n",
	.opts = ssh_proxy_opts,
	.command_after = -1,
	.run = ssh_proxy_run,
};
