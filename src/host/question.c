/*
 * question - one request to a VM's agent and its answer.
 */
#include "host/question.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/control.h"
#include "host/sockets.h"
#include "host/successor.h"
#include "host/text.h"

static int connect_agent(const struct state *s)
{
	char path[SOCKET_PATH_ROOM];
	int dir = open(s->sockets, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	fd = unix_connect(sockets_path(path, dir, "agent.sock"), 1);
	fd_close(&dir);
	return fd;
}

static int send_line(int fd, const json_t *request)
{
	char line[CONTROL_LINE_MAX];
	size_t n = json_dumpb(request, line, sizeof(line) - 1, JSON_COMPACT);

	if (n == 0 || n >= sizeof(line))
		return -EMSGSIZE;
	line[n++] = '\n';
	return fd_write_all(fd, line, n);
}

/* Up to the newline. Bytes or a negative errno. */
static ssize_t receive_line(int fd, char *out, size_t room)
{
	int64_t deadline_ms = clock_ms() + QUESTION_MS, left;
	size_t have = 0;

	while (have < room && !memchr(out, '\n', have)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = fd_read(fd, out + have, room - have);

		if (n == 0)
			return -ECONNRESET;
		if (n > 0) {
			have += (size_t)n;
			continue;
		}
		left = deadline_ms - clock_ms();
		if (n != -EAGAIN || left <= 0)
			return n == -EAGAIN ? -ETIMEDOUT : n;
		poll(&p, 1, (int)left);
	}
	return (ssize_t)have;
}

static int take(json_t **answer, const char *line, size_t len, struct err *e)
{
	json_t *j = json_loadb(line, len, JSON_DISABLE_EOF_CHECK, NULL);
	const char *error = json_string_value(json_object_get(j, "error"));
	char text[512];

	if (json_is_true(json_object_get(j, "ok"))) {
		*answer = j;
		return 0;
	}
	if (error)
		err_set(e, -EREMOTEIO, "%s", text_clean(text, sizeof(text), error, strlen(error)));
	else
		err_set(e, -EPROTO, "its agent did not understand, or is not understood");
	json_decref(j);
	return e->code;
}

int question_ask(json_t **answer, const struct state *s, json_t *request, struct err *e)
{
	char line[CONTROL_ANSWER_MAX];
	int fd = connect_agent(s);
	ssize_t n = fd;

	if (fd >= 0)
		n = send_line(fd, request);
	if (n == 0)
		n = receive_line(fd, line, sizeof(line));
	json_decref(request);
	fd_close(&fd);
	if (n == -ETIMEDOUT)
		return err_deadline(e, "its agent (pid %d) does not answer", (int)s->agent.pid);
	if (n < 0)
		return err_set(e, (int)n, "ask its agent (pid %d): %s", (int)s->agent.pid,
			       strerror((int)-n));
	return take(answer, line, (size_t)n, e);
}

int question_ask_live(json_t **answer, struct vmref *v, struct state *s, json_t *request,
		      struct err *e)
{
	int64_t patience_ms = clock_ms() + QUESTION_MS;
	struct err first = *e;
	struct news news = NEWS_NONE;
	int rc = news_open(&news, v);

	if (rc < 0) {
		json_decref(request);
		return err_set(e, rc, "watch its folder: %s", strerror(-rc));
	}
	do {
		*e = first;
		rc = question_ask(answer, s, json_incref(request), e);
	} while (successor_may_answer(rc) && successor_find(v, s, &news, patience_ms));
	if (rc < 0 && !state_is_live(s->state))
		err_set(e, -ESRCH, "it has ended meanwhile: %s%s%.300s", s->reason,
			s->detail[0] ? ": " : "", s->detail);
	news_close(&news);
	json_decref(request);
	return rc < 0 ? e->code : rc;
}
