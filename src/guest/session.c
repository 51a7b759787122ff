/*
 * session - a command's life, which may outlast the connections that look at it.
 */
#include "guest/session_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "guest/command.h"

enum {
	DRAIN_MAX_MS = 2000,		   /* noise of pipes that outlive their command */
	DETACHED_KEPT_MS = 10 * 60 * 1000, /* what a detached command has left, once it ended */
	BURST = 8,			   /* chunks of one stream in one turn of the loop */
};

int session_has_outputs(const struct session *s)
{
	return s->outputs[0].end.w.fd >= 0 || s->outputs[1].end.w.fd >= 0;
}

void session_close_wires(struct session *s)
{
	end_close(&s->input.end);
	end_close(&s->outputs[0].end);
	end_close(&s->outputs[1].end);
	fd_close(&s->slave);
}

/* --- ending what nobody wants --- */

/* To all that descends from it, as far as it can be told. */
static void kill_all(struct session *s)
{
	cgroup_kill(&s->all->cgroups, s->cgroup);
	kill(-s->pid, SIGKILL);
}

/* The next step; each has its grace. Closing the terminal is its hang-up: the kernel sends HUP. */
static void end_further(struct session *s)
{
	struct sessions *all = s->all;

	switch (s->ending) {
	case NOT_ENDING:
		session_close_wires(s);
		if (s->tty) {
			s->ending = HUNG_UP;
			break;
		}
		/* fall through */
	case HUNG_UP:
		kill(-s->pid, SIGTERM);
		s->ending = TERMINATED;
		break;
	case TERMINATED:
		kill_all(s);
		s->ending = KILLED;
		break;
	case KILLED:
		session_free(s); /* in uninterruptible sleep: the place must not wait for that */
		return;
	}
	loop_after(all->loop, &s->life, all->options.grace_ms);
}

/* Nobody will hear of this command. */
void session_give_up(struct session *s)
{
	loop_cancel(s->all->loop, &s->drain);
	if (s->child.pid)
		end_further(s);
	else
		session_free(s);
}

/* --- how it goes on --- */

/* What is waited for now; after every event. */
static void settle(struct session *s)
{
	int is_stalled = 0;

	intake_settle(&s->input);
	for (size_t i = 0; i < COUNT(s->outputs); i++) {
		struct output *o = &s->outputs[i];
		int take = o->end.w.fd >= 0 && output_can_take(o);

		end_want(&o->end, take ? EPOLLIN : 0);
		is_stalled |= o->end.w.fd >= 0 && !take;
	}
	/* A reader who is slow is no silence of the pipes: they were not asked. */
	if (s->state != SESSION_DRAINING || is_stalled)
		loop_cancel(s->all->loop, &s->drain);
	else if (s->drain.at_ms == 0)
		loop_after(s->all->loop, &s->drain, DRAIN_IDLE_MS);
}

/* Nonzero when the command has ended and its pipes have had their time. */
static int is_drained(const struct session *s)
{
	if (s->state != SESSION_DRAINING)
		return 0;
	if (!session_has_outputs(s))
		return 1;
	return clock_ms() >= s->drain_until_ms && !s->outputs[0].owed && !s->outputs[1].owed;
}

/* For how long an ended session is of use to somebody who attaches. */
unsigned session_afterlife_ms(const struct session *s)
{
	if (s->is_main)
		return 0; /* its end is the VM's */
	return s->policy == EXEC_HOLD ? s->hold_ms : DETACHED_KEPT_MS;
}

static void finish(struct session *s)
{
	if (session_has_outputs(s))
		s->status.notes |= EXEC_PIPES_OPEN;
	session_close_wires(s);
	loop_cancel(s->all->loop, &s->drain);
	s->state = SESSION_ENDED;
	s->ended_at = ++s->all->ended;
	if (!s->viewer)
		loop_after(s->all->loop, &s->life, session_afterlife_ms(s));
}

static void open_window(struct session *s)
{
	uint32_t bytes = s->viewer->type->has_room(s->viewer) ? intake_open_window(&s->input) : 0;

	if (bytes > 0)
		s->viewer->type->window(s->viewer, bytes);
}

static void tell_viewer(struct session *s)
{
	int all = output_has_given(s, &s->outputs[0]);

	all &= output_has_given(s, &s->outputs[1]);
	open_window(s);
	if (all && s->state == SESSION_ENDED && !s->told) {
		s->told = 1;
		s->viewer->type->ended(s->viewer, &s->status);
	}
}

/* After every event: as far as things go now. */
void session_proceed(struct session *s)
{
	if (is_drained(s))
		finish(s);
	if (s->viewer)
		tell_viewer(s);
	settle(s);
}

static void output_ready(struct watch *w, uint32_t events)
{
	struct output *o = CONTAINER(w, struct output, end.w);

	(void)events;
	/* What the loop's own work costs is shared by as many chunks; and nobody waits for more. */
	for (int i = 0; i < BURST && output_take(o) == FRAME_CHUNK; i++)
		;
	session_proceed(o->s);
}

static void input_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, input.end.w);

	(void)events;
	intake_feed(&s->input);
	session_proceed(s);
}

/* --- its end --- */

static void tell_heir(struct session *s)
{
	struct session_heir *heir = s->heir;

	s->heir = NULL;
	if (heir)
		heir->ended(heir, &s->status);
}

static void child_ended(struct child *child, const struct exec_status *status)
{
	struct session *s = CONTAINER(child, struct session, child);

	s->status = *status;
	if (cgroup_had_oom(&s->all->cgroups, s->cgroup))
		s->status.notes |= EXEC_OOM_KILLED;
	if (s->is_main)
		s->all->main_status = s->status;
	tell_heir(s);
	if (s->ending != NOT_ENDING) {
		kill_all(s); /* its descendants; their group's number is still theirs */
		session_free(s);
		return;
	}
	s->state = SESSION_DRAINING;
	s->drain_until_ms = clock_ms() + DRAIN_MAX_MS;
	fd_close(&s->slave);
	for (size_t i = 0; i < COUNT(s->outputs); i++) {
		int owed = 0;

		if (s->outputs[i].end.w.fd >= 0)
			ioctl(s->outputs[i].end.w.fd, FIONREAD, &owed);
		s->outputs[i].owed = (size_t)owed;
	}
	session_proceed(s);
}

static void drain_due(struct timer *t)
{
	struct session *s = CONTAINER(t, struct session, drain);
	int came = 0;

	/* A loop that was late, or has more to see to than fits in one turn, is no silence of the
	 * pipes: only they can say. */
	for (size_t i = 0; i < COUNT(s->outputs); i++)
		if (s->outputs[i].end.w.fd >= 0)
			came |= output_take(&s->outputs[i]) != -EAGAIN;
	if (!came)
		finish(s);
	session_proceed(s);
}

static void life_due(struct timer *t)
{
	struct session *s = CONTAINER(t, struct session, life);

	if (s->ending != NOT_ENDING)
		end_further(s);
	else
		session_give_up(s); /* held, or kept, for long enough */
}

/* --- its beginning --- */

int session_is_of(const struct session *s, uint64_t digest)
{
	return s->digest == digest;
}

int session_is_main(const struct session *s)
{
	return s->is_main;
}

void session_set_heir(struct session *s, struct session_heir *h)
{
	s->heir = h;
}

pid_t session_pid(const struct session *s)
{
	return s->pid;
}

void session_disown(struct session *s)
{
	if (s->viewer || s->state != SESSION_ENDED)
		s->id[0] = '\0';
	else
		session_free(s);
}

/* Random, so that an id of an agent before us does not find a session of ours. */
static void make_id(char out[EXEC_ID_MAX])
{
	uint64_t number = 0;

	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	snprintf(out, EXEC_ID_MAX, "%016llx", (unsigned long long)(number ^ (uint64_t)clock_us()));
}

static void adopt(struct session *s, const struct command *c)
{
	/* Registered in the turn of the loop that forked: its exit cannot come before this. */
	reap_add(s->all->reap, &s->child, c->pid);
	s->pid = c->pid;
	s->slave = c->slave;
	intake_open(&s->input, c->in, s->tty);
	end_open(&s->outputs[0].end, c->out);
	end_open(&s->outputs[1].end, c->err);
	s->state = SESSION_RUNNING;
}

static void session_init(struct session *s, struct sessions *all, uint8_t *input_mem)
{
	*s = (struct session){
		.all = all,
		.child.ended = child_ended,
		.drain.due = drain_due,
		.life.due = life_due,
		.slave = -1,
		.ring = -1,
	};
	intake_init(&s->input, all->loop, input_mem, EXEC_WINDOW, input_ready);
	for (size_t i = 0; i < COUNT(s->outputs); i++)
		s->outputs[i] = (struct output){
			.end = END_INIT(all->loop, output_ready),
			.s = s,
			.type = i == 0 ? FRAME_STDOUT : FRAME_STDERR,
		};
}

static void refuse_full(struct refusal *why)
{
	*why = (struct refusal){ REFUSED_LIMIT, ENOBUFS,
				 "the guest has as many sessions as it can have" };
}

struct session *session_start(struct sessions *all, struct exec_req *q, uint64_t digest,
			      struct refusal *why)
{
	struct session *s = sessions_place(all);
	struct command c;
	int folder, rc;

	if (!s) {
		refuse_full(why);
		return NULL;
	}
	session_init(s, all, all->input_mem[s - all->list]);
	snprintf(s->id, sizeof(s->id), "%s", q->id);
	if (!s->id[0])
		make_id(s->id);
	s->digest = digest;
	s->policy = q->policy;
	s->hold_ms = q->hold_ms;
	s->tty = (q->flags & EXEC_TTY) != 0;
	if (s->policy != EXEC_KILL && session_take_ring(s) < 0) {
		refuse_full(why);
		return NULL;
	}
	/* Whoever leaves a terminal and comes back expects his screen; if there is room for it. */
	if (s->tty && s->ring < 0)
		(void)session_take_free_ring(s);
	folder = cgroup_make(&all->cgroups, &s->cgroup);
	rc = command_start(&c, &all->base, q, folder, why);
	if (folder > 0)
		fd_close(&folder);
	if (rc < 0) {
		session_free(s);
		return NULL;
	}
	s->is_main = (q->flags & EXEC_MAIN) != 0;
	adopt(s, &c);
	return s;
}
