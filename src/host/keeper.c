/*
 * keeper - what others want from a VM's agent, and what is done when it does not answer.
 */
#include "host/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/control.h"
#include "host/orphan.h"
#include "host/sockets.h"
#include "host/successor.h"
#include "host/vmmfile.h"

enum {
	RUNGS_MS = 5000, /* behind the guest's time: SIGTERM's, SIGKILL's, and the agent's own */
	DEATH_MS = 5000,
	LISTEN_MS = 5000, /* until an agent listens */
};

static int connect_agent(const struct state *s)
{
	char path[SOCKET_PATH_ROOM];
	int dir, fd;

	dir = open(s->sockets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	fd = unix_connect(sockets_path(path, dir, "agent.sock"), 1);
	fd_close(&dir);
	return fd;
}

/* Bytes read, 0 at the end, or -ETIMEDOUT. */
static ssize_t read_until(int fd, char *out, size_t room, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left = deadline_ms - clock_ms();

	if (left <= 0 || poll(&p, 1, (int)MIN(left, INT32_MAX)) <= 0)
		return -ETIMEDOUT;
	return fd_read(fd, out, room);
}

/* One request, and all that comes until the agent hangs up. Bytes, or a negative errno. */
static ssize_t ask(const struct state *s, const char *request, char *out, size_t room,
		   int64_t deadline_ms)
{
	size_t have = 0;
	ssize_t n;
	int fd;

	fd = connect_agent(s);
	if (fd < 0)
		return fd;
	n = fd_write_all(fd, request, strlen(request));
	while (n >= 0 && have < room &&
	       (n = read_until(fd, out + have, room - have, deadline_ms)) > 0)
		have += (size_t)n;
	fd_close(&fd);
	return n < 0 ? n : (ssize_t)have;
}

static int take_answer(struct stop_result *out, const char *text, size_t len)
{
	json_t *j = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
	const char *rung = json_string_value(json_object_get(j, "rung"));
	int rc = rung && json_is_true(json_object_get(j, "ok")) ? 0 : -EPROTO;

	if (rc == 0) {
		snprintf(out->rung, sizeof(out->rung), "%s", rung);
		out->synced = json_is_true(json_object_get(j, "synced"));
		out->ms = json_integer_value(json_object_get(j, "ms"));
	}
	json_decref(j);
	return rc;
}

/* An agent that is killed over it has a successor, for whom the VM may still end in order. */
static ssize_t ask_patiently(struct vmref *v, struct state *s, const char *request, char *out,
			     size_t room, int64_t deadline_ms)
{
	struct news news = NEWS_NONE;
	ssize_t n = news_open(&news, v);

	if (n < 0)
		return n;
	do {
		n = ask(s, request, out, room, deadline_ms);
		if (n == 0)
			n = -ECONNRESET; /* it hung up without a word */
	} while (successor_may_answer(n) &&
		 successor_find(v, s, &news, MIN(deadline_ms, clock_ms() + LISTEN_MS)));
	news_close(&news);
	return n;
}

/* The vmm first, so that it does not outlive the one who would have told of it. */
static int end_both(struct vmref *v, const struct state *s, struct err *e)
{
	struct state now;
	int rc;

	rc = vmmfile_kill(v, DEATH_MS);
	if (rc == 0)
		rc = procid_end(&s->agent, DEATH_MS);
	if (rc < 0)
		return err_set(e, rc,
			       "%s: its agent (pid %d) does not answer, and cannot be ended: %s",
			       v->name, (int)s->agent.pid, strerror(-rc));
	rc = store_lock(v, e);
	if (rc < 0)
		return rc;
	now = *s;
	now.state = VM_STOPPED;
	now.ready = 0;
	now.agent = now.vmm = (struct procid){ 0 };
	snprintf(now.reason, sizeof(now.reason), "killed");
	snprintf(now.rung, sizeof(now.rung), "kill");
	snprintf(now.detail, sizeof(now.detail), "its agent did not answer and was ended with it");
	conditions_drop(&now.conditions, now.detail);
	rc = orphan_end(v, &now, state_holds(s, VM_ALIVE), e);
	fd_close(&v->lock);
	return rc;
}

int keeper_stop(struct vmref *v, const struct state *s, unsigned wait_ms, int force,
		struct stop_result *out, struct err *e)
{
	int64_t began = clock_ms();
	char request[128], answer[CONTROL_ANSWER_MAX];
	struct state now = *s;
	ssize_t n;

	*out = (struct stop_result){ 0 };
	snprintf(request, sizeof(request), "{\"op\":\"stop\",\"timeout_ms\":%u,\"force\":%s}\n",
		 wait_ms, force ? "true" : "false");
	n = ask_patiently(v, &now, request, answer, sizeof(answer), began + wait_ms + RUNGS_MS);
	if (n > 0 && take_answer(out, answer, (size_t)n) == 0)
		return 0;
	if (!state_is_live(now.state)) { /* with its agent, or while another took over */
		snprintf(out->rung, sizeof(out->rung), "%s", now.rung[0] ? now.rung : "none");
		out->ms = clock_ms() - began;
		return 0;
	}
	if (n > 0)
		return err_set(e, -EPROTO, "%s: its agent did not understand the request to stop",
			       v->name);
	out->unanswered = 1;
	snprintf(out->rung, sizeof(out->rung), "kill");
	n = end_both(v, &now, e);
	out->ms = clock_ms() - began;
	return (int)n;
}
