/*
 * output - what a command says on stdout, stderr or its terminal: read, kept, and given to its viewer.
 */
#include "guest/session_parts.h"

#include <errno.h>

#include "base/fd.h"
#include "base/util.h"

enum { BUSY_PIPE = 256 * 1024 };

/* The first of the kept bytes that must not be forgotten. */
static uint64_t floor_of(const struct output *o)
{
	const struct session *s = o->s;

	if (!s->viewer && s->policy == EXEC_DETACH)
		return o->kept.end;
	return s->says_seen ? o->seen : o->sent;
}

/* Nonzero when more of the command's output has somewhere to go. */
int output_can_take(const struct output *o)
{
	const struct session *s = o->s;

	if (s->ring < 0)
		return s->viewer && s->viewer->type->has_room(s->viewer);
	return kept_room(&o->kept, floor_of(o)) > 0;
}

/* Nonzero when the viewer has had all of it. */
int output_has_given(struct session *s, struct output *o)
{
	const uint8_t *data;
	size_t len;

	while (o->sent < o->kept.end) {
		if (!s->viewer->type->has_room(s->viewer))
			return 0;
		len = kept_span(&o->kept, o->sent, FRAME_CHUNK, &data);
		o->sent += len;
		s->viewer->type->output(s->viewer, o->type, data, len);
	}
	return 1;
}

/* Where somebody who has seen so much goes on. */
void output_continue_at(struct output *o, uint64_t seen)
{
	o->sent = seen == EXEC_SEEN_ALL ? o->kept.end : MIN(MAX(seen, o->kept.begin), o->kept.end);
	o->seen = o->sent;
}

/* One read, into what is kept or straight to the viewer. As read(2), or -errno. */
static ssize_t read_some(struct session *s, struct output *o)
{
	uint8_t *chunk = s->all->chunk;
	ssize_t n;

	if (s->ring >= 0) {
		n = kept_read(&o->kept, o->end.w.fd, floor_of(o), FRAME_CHUNK);
		o->sent = MAX(o->sent, o->kept.begin);
		return n;
	}
	n = fd_read(o->end.w.fd, chunk, FRAME_CHUNK);
	if (n > 0) {
		o->kept.begin = o->kept.end += (uint64_t)n;
		o->sent = o->kept.end;
		s->viewer->type->output(s->viewer, o->type, chunk, (size_t)n);
	}
	return n;
}

/* A command that fills its pipe gets a larger one: fewer turns for the same bytes. */
static void widen(struct output *o, ssize_t n)
{
	if (n < FRAME_CHUNK || o->is_busy)
		return;
	o->is_busy = 1;
	fd_widen_pipe(o->end.w.fd, BUSY_PIPE);
}

/* Bytes that came; 0: the end; -EAGAIN: nothing, or no room for it. */
ssize_t output_take(struct output *o)
{
	struct session *s = o->s;
	ssize_t n = -EAGAIN;

	/* The other stream's handler may have filled the viewer in this very turn. */
	if (output_can_take(o))
		n = read_some(s, o);
	if (n > 0) {
		o->owed -= MIN(o->owed, (size_t)n);
		widen(o, n);
		if (s->state == SESSION_DRAINING)
			loop_after(s->all->loop, &s->drain, DRAIN_IDLE_MS);
	} else if (n != -EAGAIN) {
		o->owed = 0; /* EIO: how a terminal's master says that nobody holds it any more */
		end_close(&o->end);
		n = 0;
	}
	return n;
}
