/*
 * standalone - the exec or PTY server alone, as an ordinary process.
 */
#include "guest/standalone.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/util.h"
#include "guest/vsock.h"

enum { BACKLOG = 128 };

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
	struct server *s = CONTAINER(l, struct server, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&s->reap);
	else if (si->ssi_signo == SIGTERM || si->ssi_signo == SIGINT)
		loop_stop(l, 0);
}

int standalone_serve(enum execd_door door, const char *address, struct err *e)
{
	static const struct execd_options options = { .vm = "", .boot = "" };
	struct server s = { .loop = LOOP_INIT };
	struct execd *d;
	int fd, rc = loop_open(&s.loop);

	if (rc < 0)
		return err_set(e, rc, "event loop: %s", strerror(-rc));
	reap_init(&s.reap);
	s.loop.signalled = signalled;
	fd = listen_on(address, e);
	if (fd < 0)
		goto out;
	d = execd_open(&s.loop, &s.reap, &options);
	rc = d ? execd_serve(d, door, fd) : -errno;
	if (rc < 0) {
		err_set(e, rc, "serve %s: %s", address, strerror(-rc));
		goto out;
	}
	if (strncmp(address, "unix:", 5) != 0)
		execd_listener(d, door)->admits = vsock_peer_is_host;
	log_info("serving address=%s", address);
	loop_run(&s.loop);
	if (!strncmp(address, "unix:", 5))
		unlink(address + 5);
out:
	loop_close(&s.loop);
	return e->code;
}
