/*
 * vmtool guest-agent - what a guest serves to its host, as a service beside somebody else's init.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/services.h"

enum { BACKLOG = 128 };

static const struct opt guest_agent_opts[] = {
	{ 'l', "listen", "unix:PATH", "serve behind this socket instead of on vsock ports" },
	{ 0 },
};

struct server {
	struct loop loop;
	struct reap reap;
	struct services services;
	struct front front;
};

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct server *s = CONTAINER(l, struct server, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&s->reap);
	else if (si->ssi_signo == SIGTERM || si->ssi_signo == SIGINT)
		loop_stop(l, 0);
}

static int serve_vsock(struct server *s, struct err *e)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		int rc = services_vsock(&s->services, &services[i], e);

		if (rc < 0)
			return rc;
	}
	log_info("guest-agent: serving on vsock");
	return 0;
}

static int serve_unix(struct server *s, const char *path, struct err *e)
{
	int fd = unix_listen(path, BACKLOG, e), rc;

	if (fd < 0)
		return fd;
	rc = front_open(&s->front, &s->loop, fd);
	if (rc < 0)
		return err_set(e, rc, "serve %s: %s", path, strerror(-rc));
	rc = services_front(&s->services, &s->front, e);
	if (rc == 0)
		log_info("guest-agent: serving path=%s", path);
	return rc;
}

static int serve(const char *path, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(e, -ENOMEM, "no memory for the agent");
	s->loop = LOOP_INIT;
	s->loop.signalled = signalled;
	s->services = (struct services){
		.loop = &s->loop,
		.reap = &s->reap,
		.exec_options = { .vm = "", .boot = "" },
	};
	rc = loop_open(&s->loop);
	if (rc < 0) {
		err_set(e, rc, "event loop: %s", strerror(-rc));
		goto out;
	}
	reap_init(&s->reap);
	rc = path ? serve_unix(s, path, e) : serve_vsock(s, e);
	if (rc == 0)
		loop_run(&s->loop);
	if (path && rc == 0)
		unlink(path);
	loop_close(&s->loop);
out:
	free(s);
	return rc;
}

static int guest_agent_run(struct cmdline *cl, struct err *e)
{
	const char *path = NULL;
	int c;

	while ((c = opt_next(cl, e)) > 0) {
		if (strncmp(cl->value, "unix:", 5) != 0)
			return err_usage(e, "--listen: '%s' is not unix:PATH", cl->value);
		path = cl->value + 5;
	}
	if (c < 0 || operands_end(cl, e) < 0)
		return e->code;
	log_open(STDERR_FILENO, "guest-agent", LOG_INFO);
	return serve(path, e);
}

const struct applet applet_guest_agent = {
	.name = "guest-agent",
	.args = "",
	.help = "Serve this machine to its host: commands, terminals, files, streams",
	.opts = guest_agent_opts,
	.command_after = -1,
	.run = guest_agent_run,
};
