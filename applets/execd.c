/*
 * vmtool execd - the guest's exec server as an ordinary process.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "guest/execd.h"
#include "guest/vsock.h"
#include "proto/ports.h"

enum { BACKLOG = 128 };

static const struct opt execd_opts[] = {
	{ 'l', "listen", "ADDRESS", "unix:PATH or vsock:PORT (default vsock:4089)" },
	{ 0 },
};

/* The listening socket, or negative with *e filled. */
static int listen_on(const char *address, struct err *e)
{
	uint32_t port;
	int rc;

	if (!strncmp(address, "unix:", 5))
		return unix_listen(address + 5, BACKLOG, e);
	if (strncmp(address, "vsock:", 6))
		return err_usage(e, "--listen: '%s' is neither unix:PATH nor vsock:PORT", address);
	rc = parse_u32(&port, "--listen", address + 6, 1, UINT32_MAX - 1, e);
	if (rc < 0)
		return rc;
	rc = vsock_listen(port);
	if (rc < 0)
		return err_set(e, rc, "listen on %s: %s", address, strerror(-rc));
	return rc;
}

struct server {
	struct loop loop;
	struct reap reap;
};

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct server *s = (struct server *)l; /* its first member */

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&s->reap);
	else if (si->ssi_signo == SIGTERM || si->ssi_signo == SIGINT)
		loop_stop(l, 0);
}

static int execd_run(struct cmdline *cl, struct err *e)
{
	static const struct execd_options options = { .vm = "", .boot = "" };
	struct server s = { .loop = LOOP_INIT };
	const char *address = "vsock:4089";
	struct execd *d;
	int c, fd, rc;

	while ((c = opt_next(cl, e)) > 0)
		address = cl->value;
	if (c < 0 || (rc = operands_end(cl, e)) < 0)
		return e->code;
	log_open(2, "execd", LOG_INFO);
	rc = loop_open(&s.loop);
	if (rc < 0)
		return err_set(e, rc, "event loop: %s", strerror(-rc));
	reap_init(&s.reap);
	s.loop.signalled = signalled;
	fd = listen_on(address, e);
	if (fd < 0)
		goto out;
	d = execd_open(&s.loop, &s.reap, fd, &options);
	if (!d) {
		err_sys(e, "serve %s", address);
		goto out;
	}
	if (strncmp(address, "unix:", 5) != 0)
		execd_listener(d)->admits = vsock_peer_is_host;
	log_info("execd: serving address=%s", address);
	loop_run(&s.loop);
	if (!strncmp(address, "unix:", 5))
		unlink(address + 5);
out:
	loop_close(&s.loop);
	return e->code;
}

const struct applet applet_execd = {
	.name = "execd",
	.args = "",
	.opts = execd_opts,
	.command_after = -1,
	.run = execd_run,
};
