/*
 * vmtool guest-agent - what a guest serves to its host, as a service beside somebody else's init.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/beacon.h"
#include "guest/bootid.h"
#include "guest/notify.h"
#include "guest/services.h"
#include "guest/vsock.h"
#include "guest_agent_unit.h"
#include "proto/ports.h"

enum { BACKLOG = 128 };

enum { OPT_PRINT_UNIT = OPT_LONG, OPT_POWEROFF, OPT_CLOCK };

static const struct opt guest_agent_opts[] = {
	{ 'l', "listen", "unix:PATH", "serve behind this socket instead of on vsock ports" },
	{ OPT_POWEROFF, "may-poweroff", NULL,
	  "the host may have this machine's init power it off" },
	{ OPT_CLOCK, "may-set-clock", NULL, "the host may correct this machine's clock" },
	{ OPT_PRINT_UNIT, "print-unit", NULL, "print the unit that makes systemd run it" },
	{ 0 },
};

/* What its host may do to this machine, and where it is heard. */
struct terms {
	const char *path; /* NULL: on vsock */
	int poweroff, clock, print_unit;
};

struct server {
	struct loop loop;
	struct reap reap;
	struct services services;
	struct front front;
	struct poweroff poweroff;
	struct beacon beacon;
	char boot[BOOT_ID_LEN + 1];
};

static const struct poweroff_events nobody; /* the machine's own init does it all */

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct server *s = CONTAINER(l, struct server, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&s->reap);
	else if (si->ssi_signo == SIGTERM || si->ssi_signo == SIGINT)
		loop_stop(l, 0);
}

static int connect_beacon(void)
{
	return vsock_connect(PORT_BEACON);
}

static int no_vsock(struct err *e)
{
	if (e->code == -EAFNOSUPPORT || e->code == -ENODEV)
		return err_set(e, e->code,
			       "this machine has no vsock: its VMM gives it none, or its "
			       "kernel lacks the driver\n  try: --listen unix:PATH");
	return e->code;
}

static int serve_vsock(struct server *s, struct err *e)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		int rc = services_vsock(&s->services, &services[i], e);

		if (rc < 0)
			return no_vsock(e);
	}
	beacon_init(&s->beacon, &s->loop, connect_beacon);
	beacon_ready(&s->beacon);
	beacon_light(&s->beacon, s->boot);
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

static void init_server(struct server *s, const struct terms *t)
{
	boot_id_of_machine(s->boot);
	s->loop.signalled = signalled;
	reap_init(&s->reap);
	poweroff_init(&s->poweroff, &s->loop, &s->reap, &nobody);
	s->poweroff.others = 1;
	s->services = (struct services){
		.loop = &s->loop,
		.reap = &s->reap,
		.exec_options = { .vm = "", .boot = t->path ? "" : s->boot },
		.agent_options = {
			.poweroff = t->poweroff ? &s->poweroff : NULL,
			.clock = t->clock ? &clock_ops_machine : NULL,
			.info = { .boot = s->boot },
		},
	};
}

static int serve(const struct terms *t, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(e, -ENOMEM, "no memory for the agent");
	s->loop = LOOP_INIT;
	rc = loop_open(&s->loop);
	if (rc < 0) {
		err_set(e, rc, "event loop: %s", strerror(-rc));
		goto out;
	}
	init_server(s, t);
	rc = t->path ? serve_unix(s, t->path, e) : serve_vsock(s, e);
	if (rc == 0) {
		notify_manager("READY=1");
		loop_run(&s->loop);
		notify_manager("STOPPING=1");
	}
	if (t->path && rc == 0)
		unlink(t->path);
	loop_close(&s->loop);
out:
	free(s);
	return rc;
}

static int read_opt(struct terms *t, int c, const char *value, struct err *e)
{
	t->print_unit |= c == OPT_PRINT_UNIT;
	t->poweroff |= c == OPT_POWEROFF;
	t->clock |= c == OPT_CLOCK;
	if (c != 'l')
		return 0;
	if (strncmp(value, "unix:", 5) != 0)
		return err_usage(e, "--listen: '%s' is not unix:PATH", value);
	t->path = value + 5;
	return 0;
}

static int guest_agent_run(struct cmdline *cl, struct err *e)
{
	struct terms t = { 0 };
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0)
		rc = c < 0 ? c : read_opt(&t, c, cl->value, e);
	if (rc < 0 || operands_end(cl, e) < 0)
		return e->code;
	if (t.print_unit) {
		fputs(guest_agent_unit, stdout);
		return 0;
	}
	log_open(STDERR_FILENO, "guest-agent", LOG_INFO);
	return serve(&t, e);
}

const struct applet applet_guest_agent = {
	.name = "guest-agent",
	.args = "",
	.help = "Serve this machine to its host: commands, files, streams",
	.more = "In a guest that vmtool's own init did not boot. It touches neither network nor\n"
		"mounts, and the power and the clock only as far as it may. systemd is told when\n"
		"it serves (NOTIFY_SOCKET).\n\n"
		"  vmtool guest-agent --print-unit \\\n"
		"    >/etc/systemd/system/vmtool-guest-agent.service\n"
		"  vmtool guest-agent --listen unix:/run/agent.sock\n",
	.opts = guest_agent_opts,
	.command_after = -1,
	.run = guest_agent_run,
};
