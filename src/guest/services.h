/*
 * services - everything the guest serves to its host: one row a port.
 *
 * PID 1 and the agent beside somebody else's init serve the same; only where their connections
 * come from, and who powers the guest off, differs.
 */
#ifndef GUEST_SERVICES_H
#define GUEST_SERVICES_H

#include "base/err.h"
#include "guest/agentd.h"
#include "guest/execd.h"
#include "guest/front.h"
#include "guest/streamd.h"

struct services {
	struct loop *loop; /* borrowed */
	struct reap *reap; /* borrowed */
	struct execd_options exec_options;
	struct execd *execd;		     /* of exec and pty; NULL while not serving */
	struct agentd_options agent_options; /* info.execd is filled in here */
	struct agentd *agentd;		     /* NULL while not serving */
	struct streamd_options stream_options;
	struct streamd *streamd; /* NULL while not serving */
};

struct service {
	const char *name; /* of the stage that opens it */
	uint32_t port;
	int (*open)(struct services *s, int listen_fd);
	struct listener *(*listener)(struct services *s);
};

enum { SERVICE_EXEC, SERVICE_PTY, SERVICE_AGENT, SERVICE_STREAM, SERVICE_COUNT };

extern const struct service services[SERVICE_COUNT];

/* Serves one row on its vsock port. 0 or negative with *e filled. */
int services_vsock(struct services *s, const struct service *one, struct err *e);

/* Serves all of them behind a front, which stays the caller's. 0 or negative with *e filled. */
int services_front(struct services *s, struct front *f, struct err *e);

#endif
