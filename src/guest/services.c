/*
 * services - everything the guest serves to its host: one row a port.
 */
#include "guest/services.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "guest/vsock.h"
#include "proto/ports.h"

/* One server behind two ports: a session may be attached to through both. */
static int open_door(struct services *s, enum execd_door door, int listen_fd)
{
	if (!s->execd)
		s->execd = execd_open(s->loop, s->reap, &s->exec_options);
	return s->execd ? execd_serve(s->execd, door, listen_fd) : -errno;
}

static int open_exec(struct services *s, int listen_fd)
{
	return open_door(s, EXECD_PIPES, listen_fd);
}

static struct listener *exec_listener(struct services *s)
{
	return execd_listener(s->execd, EXECD_PIPES);
}

static int open_pty(struct services *s, int listen_fd)
{
	return open_door(s, EXECD_TERMINALS, listen_fd);
}

static struct listener *pty_listener(struct services *s)
{
	return execd_listener(s->execd, EXECD_TERMINALS);
}

static int open_agent(struct services *s, int listen_fd)
{
	s->agent_options.info.execd = &s->execd;
	s->agentd = agentd_open(s->loop, s->reap, listen_fd, &s->agent_options);
	return s->agentd ? 0 : -errno;
}

static struct listener *agent_listener(struct services *s)
{
	return &s->agentd->listener;
}

static int open_stream(struct services *s, int listen_fd)
{
	s->streamd = streamd_open(s->loop, s->reap, listen_fd, &s->stream_options);
	return s->streamd ? 0 : -errno;
}

static struct listener *stream_listener(struct services *s)
{
	return streamd_listener(s->streamd);
}

const struct service services[SERVICE_COUNT] = {
	[SERVICE_EXEC] = { "exec", PORT_EXEC, open_exec, exec_listener },
	[SERVICE_PTY] = { "pty", PORT_PTY, open_pty, pty_listener },
	[SERVICE_AGENT] = { "agent", PORT_AGENT, open_agent, agent_listener },
	[SERVICE_STREAM] = { "stream", PORT_STREAM, open_stream, stream_listener },
};

static int open_one(struct services *s, const struct service *one, int fd, struct err *e)
{
	int rc = one->open(s, fd);

	if (rc == 0)
		return 0;
	fd_close(&fd);
	return err_set(e, rc, "serve port %u (%s): %s", one->port, one->name, strerror(-rc));
}

int services_vsock(struct services *s, const struct service *one, struct err *e)
{
	int fd = vsock_listen(one->port), rc;

	if (fd < 0)
		return err_set(e, fd, "vsock port %u: %s", one->port, strerror(-fd));
	rc = open_one(s, one, fd, e);
	if (rc == 0)
		one->listener(s)->admits = vsock_peer_is_host;
	return rc;
}

int services_front(struct services *s, struct front *f, struct err *e)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		int rc = open_one(s, &services[i], -1, e);

		if (rc < 0)
			return rc;
		front_add(f, services[i].port, services[i].listener(s));
	}
	return 0;
}
