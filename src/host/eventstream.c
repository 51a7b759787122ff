/*
 * eventstream - events.jsonl to a client's socket, as fast as it reads: the file is the queue.
 */
#include "host/eventstream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"

struct eventstream *eventstream_open(const struct vmref *v, uint64_t since, int follow,
				     struct err *e)
{
	struct eventstream *s = malloc(sizeof(*s));

	if (!s) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	s->vm = v;
	s->since = since;
	s->follow = follow;
	s->left = 0;
	s->history.file = -1;
	if (history_open(&s->history, v, e) == 0)
		return s;
	eventstream_close(s);
	return NULL;
}

void eventstream_close(struct eventstream *s)
{
	if (!s)
		return;
	history_close(&s->history);
	free(s);
}

/* Whatever is no event is not passed on: the word that reads the file tells of it. */
static int next_line(struct eventstream *s)
{
	struct event x;
	int rc = history_next(&s->history, s->vm, &x);

	if (rc <= 0)
		return rc;
	if (x.json && x.seq >= s->since) {
		s->rest = x.text;
		s->left = x.len + 1; /* its newline stands behind it */
	}
	event_drop(&x);
	return 1;
}

int eventstream_step(struct eventstream *s, int fd)
{
	ssize_t n;

	if (s->left == 0)
		return next_line(s);
	n = fd_write(fd, s->rest, s->left);
	if (n < 0)
		return (int)n;
	s->rest += n;
	s->left -= (size_t)n;
	return 1;
}
