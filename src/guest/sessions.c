/*
 * sessions - all of them: their places, the memory that goes with these, and who is to be found there.
 */
#include "guest/session_parts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/sparse.h"
#include "base/util.h"

enum { GRACE_MS = 2000 };

_Static_assert(EXEC_WINDOW % FRAME_CHUNK == 0, "whole frames");
_Static_assert(EXEC_KEPT % 4096 == 0, "given back in pages");

/* --- places --- */

static void give_back(void *mem, size_t len)
{
	madvise(mem, len, MADV_DONTNEED);
}

/* The place is free again: the last line of whoever calls it. */
void session_free(struct session *s)
{
	struct sessions *all = s->all;

	loop_cancel(all->loop, &s->drain);
	loop_cancel(all->loop, &s->life);
	session_close_wires(s);
	if (s->child.pid) {
		reap_del(all->reap, &s->child); /* it withstood SIGKILL; nobody waits longer */
		s->status = (struct exec_status){ .end = EXEC_LOST };
	}
	cgroup_remove(&all->cgroups, s->cgroup, s->ending != NOT_ENDING);
	give_back(s->input.held.mem, INPUT_ROOM);
	if (s->ring >= 0) {
		give_back(all->rings[s->ring], sizeof(all->rings[0]));
		all->ring_taken[s->ring] = 0;
	}
	s->ring = -1;
	s->state = SESSION_FREE;
	if (s->is_main && all->options.main_ended)
		all->options.main_ended(all->options.owner, &s->status);
}

/* The one that ended first and that nobody looks at (and keeps output, if asked for); or NULL. */
static struct session *oldest_ended(struct sessions *all, int with_ring)
{
	struct session *oldest = NULL;

	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = &all->list[i];

		if (s->state != SESSION_ENDED || s->viewer || (with_ring && s->ring < 0))
			continue;
		if (!oldest || s->ended_at < oldest->ended_at)
			oldest = s;
	}
	return oldest;
}

struct session *sessions_place(struct sessions *all)
{
	struct session *s;

	for (size_t i = 0; i < SESSIONS; i++)
		if (all->list[i].state == SESSION_FREE)
			return &all->list[i];
	s = oldest_ended(all, 0);
	if (s)
		session_free(s);
	return s;
}

int session_take_free_ring(struct session *s)
{
	struct sessions *all = s->all;
	size_t i = 0;

	while (i < SESSIONS_KEPT && all->ring_taken[i])
		i++;
	if (i == SESSIONS_KEPT)
		return -ENOBUFS;
	all->ring_taken[i] = 1;
	s->ring = (int)i;
	for (size_t k = 0; k < COUNT(s->outputs); k++)
		kept_init(&s->outputs[k].kept, all->rings[i][k], EXEC_KEPT, s->outputs[k].kept.end);
	return 0;
}

/* From now on output is kept. 0 or -ENOBUFS. */
int session_take_ring(struct session *s)
{
	struct session *oldest;

	if (s->ring >= 0 || session_take_free_ring(s) == 0)
		return 0;
	oldest = oldest_ended(s->all, 1);
	if (!oldest)
		return -ENOBUFS;
	session_free(oldest);
	return session_take_free_ring(s);
}

/* --- who is there --- */

struct session *session_find(struct sessions *all, const char *id)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (all->list[i].state != SESSION_FREE && !strcmp(all->list[i].id, id))
			return &all->list[i];
	return NULL;
}

struct main_state sessions_main(const struct sessions *all)
{
	struct main_state m = { .status = all->main_status };

	for (size_t i = 0; i < SESSIONS; i++)
		if (all->list[i].is_main && all->list[i].child.pid)
			m.pid = all->list[i].child.pid;
	return m;
}

unsigned sessions_signal(struct sessions *all, int sig)
{
	unsigned count = 0;

	for (size_t i = 0; i < SESSIONS; i++) {
		const struct session *s = &all->list[i];

		if (!s->child.pid || s->is_main)
			continue;
		count++;
		if (sig)
			kill(-s->child.pid, sig);
	}
	return count;
}

/* --- the whole --- */

struct sessions *sessions_open(struct loop *l, struct reap *r, const struct session_options *o)
{
	struct sessions *all = sparse_map(sizeof(*all));
	int rc;

	if (!all)
		return NULL;
	all->loop = l;
	all->reap = r;
	all->options = *o;
	if (all->options.grace_ms == 0)
		all->options.grace_ms = GRACE_MS;
	rc = command_base_open(&all->base, o->vm, o->boot);
	if (rc < 0) {
		munmap(all, sizeof(*all));
		errno = -rc;
		return NULL;
	}
	cgroups_open(&all->cgroups);
	return all;
}
