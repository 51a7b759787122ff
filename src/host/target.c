/*
 * target - the guest a word is about: a VM by its name, or unix:PATH.
 */
#include "host/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "host/dial.h"
#include "host/known.h"
#include "host/sockets.h"

enum { DIAL_MS = 10000 }; /* as long as the vmm waits for the guest: VSOCK_ANSWER_MS */

int target_vm(struct target *t, const struct vmref *v, const struct state *s, struct err *e)
{
	char path[SOCKET_PATH_ROOM];

	snprintf(t->name, sizeof(t->name), "%s", v->name);
	snprintf(t->boot, sizeof(t->boot), "%s", s->boot);
	t->dir = open(s->sockets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0)
		return err_sys(e, "open folder %s", s->sockets);
	return path_fmt(t->vsock, e, "%s", sockets_path(path, t->dir, "vsock.sock"));
}

/* One that was ready and is not any more is asked all the same: who is to find out why? */
static int find_vm(struct target *t, const char *name, struct err *e)
{
	struct known vm = KNOWN_NONE;
	const struct state *s = &vm.state;
	int rc = known_find(&vm, name, e);

	if (rc == 0 && !state_is_live(s->state))
		rc = err_set(e, -ESRCH, "%s: is not running (%s)\n  try: vmtool start %s", name,
			     state_name(s->state), name);
	else if (rc == 0 && !s->ready && s->state != VM_RUNNING)
		rc = err_set(e, -EAGAIN, "%s: is %s, and not ready", name, state_name(s->state));
	else if (rc == 0)
		rc = target_vm(t, &vm.ref, s, e);
	known_close(&vm);
	return rc;
}

int target_find(struct target *t, const char *name, struct err *e)
{
	if (strncmp(name, "unix:", 5) != 0)
		return find_vm(t, name, e);
	if (!name[5])
		return err_usage(e, "unix: wants the path of a socket: unix:/run/agent.sock");
	snprintf(t->name, sizeof(t->name), "%s", name);
	return path_fmt(t->vsock, e, "%s", name + 5);
}

int target_is_over(const struct target *t)
{
	struct err unknown = ERR_NONE;
	struct known vm = KNOWN_NONE;
	int rc, is_over = 0;

	if (!t->boot[0])
		return 0;
	rc = known_find(&vm, t->name, &unknown);
	if (rc == 0)
		is_over = !state_is_live(vm.state.state) || strcmp(vm.state.boot, t->boot) != 0;
	known_close(&vm);
	return is_over || rc == -ENOENT;
}

int target_dial(const struct target *t, uint32_t port, struct err *e)
{
	return dial_vsock(t->vsock, port, clock_ms() + DIAL_MS, e);
}

void target_close(struct target *t)
{
	fd_close(&t->dir);
}
