/*
 * services - everything the guest serves to its host: one row a port.
 */
#include "guest/services.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "guest/vsock.h"
#include "proto/ports.h"

static int open_exec(struct services *s, int listen_fd)
{
	s->execd = execd_open(s->loop, s->reap, listen_fd, &s->exec_options);
	return s->execd ? 0 : -errno;
}

static struct listener *exec_listener(struct services *s)
{
	return execd_listener(s->execd);
}

static int open_agent(struct services *s, int listen_fd)
{
	s->agent_options.info.execd = &s->execd;
	s->agentd = agentd_open(s->loop, listen_fd, &s->agent_options);
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
