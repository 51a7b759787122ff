/*
 * session - a command's life, which may outlast the connections that look at it.
 */
#include "guest/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/end.h"
#include "base/fd.h"
#include "base/util.h"
#include "guest/cgroup.h"
#include "guest/command.h"
#include "guest/intake.h"
#include "guest/kept.h"
#include "guest/terminal.h"
#include "proto/frame.h"

enum {
	GRACE_MS = 2000,
	DRAIN_IDLE_MS = 200,		   /* silence of pipes that outlive their command */
	DRAIN_MAX_MS = 2000,		   /* noise of pipes that outlive their command */
	DETACHED_KEPT_MS = 10 * 60 * 1000, /* what a detached command has left, once it ended */
	SIGNAL_MAX = 64,
	BURST = 8, /* chunks of one stream in one turn of the loop */
	BUSY_PIPE = 256 * 1024,
	INPUT_ROOM = ALIGN_UP(EXEC_WINDOW, 4096),
};

enum session_state { SESSION_FREE, SESSION_RUNNING, SESSION_DRAINING, SESSION_ENDED };

/* How far the end of a command nobody wants any more has come. */
enum ending { NOT_ENDING, HUNG_UP, TERMINATED, KILLED };

/* What the command says on stdout, stderr, or its terminal. */
struct stream {
	struct end end;
	struct session *s; /* borrowed: embeds us */
	uint8_t type;	   /* of its frames */
	int is_busy;	   /* it has filled its pipe once */
	struct kept kept;  /* without memory: only its offsets count */
	uint64_t sent;	   /* the offset of the next byte for the viewer */
	uint64_t seen;	   /* what he says has reached him, when he says so at all */
	size_t owed;	   /* bytes the command left in the pipe and that must be read */
};

struct session {
	struct sessions *all; /* borrowed: embeds us */
	enum session_state state;
	enum ending ending;
	char id[EXEC_ID_MAX];
	uint64_t digest;
	enum exec_policy policy;
	uint32_t hold_ms;
	int is_main, tty;
	int says_seen; /* the viewer does, or did before he left */
	int was_attached;
	int told; /* the viewer knows the status */

	struct viewer *viewer; /* borrowed; NULL: nobody is attached */
	struct child child;
	pid_t pid;		   /* of the child, also when it has ended */
	struct exec_status status; /* once it has */
	unsigned cgroup;
	uint64_t ended_at; /* which of the ended ones is the oldest */
	int64_t drain_until_ms;
	struct timer drain; /* DRAINING: the pipes' silence */
	struct timer life;  /* the next step of ending; or how long nobody may be attached */

	struct stream streams[2];
	int ring;  /* which of the rings; -1: nothing is kept */
	int slave; /* owned; -1 without a terminal, and once the child ended */

	struct intake input;
};

/* Heads lie together, bulk apart: an idle server touches few pages. */
struct sessions {
	struct loop *loop; /* borrowed */
	struct reap *reap; /* borrowed */
	struct session_options options;
	struct command_base base;
	struct cgroups cgroups;
	uint64_t ended;			/* how many so far */
	struct exec_status main_status; /* end 0: it has not */
	struct session list[SESSIONS];
	int ring_taken[SESSIONS_KEPT];
	uint8_t chunk[FRAME_CHUNK];
	_Alignas(4096) uint8_t input_mem[SESSIONS][INPUT_ROOM];
	_Alignas(4096) uint8_t rings[SESSIONS_KEPT][2][EXEC_KEPT];
};

_Static_assert(EXEC_WINDOW % FRAME_CHUNK == 0, "whole frames");
_Static_assert(EXEC_KEPT % 4096 == 0, "given back in pages");

/* --- places --- */

static int has_streams(const struct session *s)
{
	return s->streams[0].end.w.fd >= 0 || s->streams[1].end.w.fd >= 0;
}

static void close_wires(struct session *s)
{
	end_close(&s->input.end);
	end_close(&s->streams[0].end);
	end_close(&s->streams[1].end);
	fd_close(&s->slave);
}

static void give_back(void *mem, size_t len)
{
	madvise(mem, len, MADV_DONTNEED);
}

/* The place is free again: the last line of whoever calls it. */
static void session_free(struct session *s)
{
	struct sessions *all = s->all;

	loop_cancel(all->loop, &s->drain);
	loop_cancel(all->loop, &s->life);
	close_wires(s);
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

static struct session *free_place(struct sessions *all)
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

static int take_free_ring(struct session *s)
{
	struct sessions *all = s->all;
	size_t i = 0;

	while (i < SESSIONS_KEPT && all->ring_taken[i])
		i++;
	if (i == SESSIONS_KEPT)
		return -ENOBUFS;
	all->ring_taken[i] = 1;
	s->ring = (int)i;
	for (size_t k = 0; k < COUNT(s->streams); k++)
		kept_init(&s->streams[k].kept, all->rings[i][k], EXEC_KEPT, s->streams[k].kept.end);
	return 0;
}

/* From now on output is kept. 0 or -ENOBUFS. */
static int take_ring(struct session *s)
{
	struct session *oldest;

	if (s->ring >= 0 || take_free_ring(s) == 0)
		return 0;
	oldest = oldest_ended(s->all, 1);
	if (!oldest)
		return -ENOBUFS;
	session_free(oldest);
	return take_free_ring(s);
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
		close_wires(s);
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
static void give_up(struct session *s)
{
	loop_cancel(s->all->loop, &s->drain);
	if (s->child.pid)
		end_further(s);
	else
		session_free(s);
}

/* --- output --- */

/* The first of the kept bytes that must not be forgotten. */
static uint64_t floor_of(const struct stream *st)
{
	const struct session *s = st->s;

	if (!s->viewer && s->policy == EXEC_DETACH)
		return st->kept.end;
	return s->says_seen ? st->seen : st->sent;
}

/* Nonzero when more of the command's output has somewhere to go. */
static int can_take(const struct stream *st)
{
	const struct session *s = st->s;

	if (s->ring < 0)
		return s->viewer && s->viewer->type->has_room(s->viewer);
	return kept_room(&st->kept, floor_of(st)) > 0;
}

/* What is waited for now; after every event. */
static void settle(struct session *s)
{
	int is_stalled = 0;

	intake_settle(&s->input);
	for (size_t i = 0; i < COUNT(s->streams); i++) {
		struct stream *st = &s->streams[i];
		int take = st->end.w.fd >= 0 && can_take(st);

		end_want(&st->end, take ? EPOLLIN : 0);
		is_stalled |= st->end.w.fd >= 0 && !take;
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
	if (!has_streams(s))
		return 1;
	return clock_ms() >= s->drain_until_ms && !s->streams[0].owed && !s->streams[1].owed;
}

/* For how long an ended session is of use to somebody who attaches. */
static unsigned afterlife_ms(const struct session *s)
{
	if (s->is_main)
		return 0; /* its end is the VM's */
	return s->policy == EXEC_HOLD ? s->hold_ms : DETACHED_KEPT_MS;
}

static void finish(struct session *s)
{
	if (has_streams(s))
		s->status.notes |= EXEC_PIPES_OPEN;
	close_wires(s);
	loop_cancel(s->all->loop, &s->drain);
	s->state = SESSION_ENDED;
	s->ended_at = ++s->all->ended;
	if (!s->viewer)
		loop_after(s->all->loop, &s->life, afterlife_ms(s));
}

/* Nonzero when the viewer has had all of it. */
static int has_given(struct session *s, struct stream *st)
{
	const uint8_t *data;
	size_t len;

	while (st->sent < st->kept.end) {
		if (!s->viewer->type->has_room(s->viewer))
			return 0;
		len = kept_span(&st->kept, st->sent, FRAME_CHUNK, &data);
		st->sent += len;
		s->viewer->type->output(s->viewer, st->type, data, len);
	}
	return 1;
}

static void open_window(struct session *s)
{
	uint32_t bytes = s->viewer->type->has_room(s->viewer) ? intake_open_window(&s->input) : 0;

	if (bytes > 0)
		s->viewer->type->window(s->viewer, bytes);
}

static void tell_viewer(struct session *s)
{
	int all = has_given(s, &s->streams[0]);

	all &= has_given(s, &s->streams[1]);
	open_window(s);
	if (all && s->state == SESSION_ENDED && !s->told) {
		s->told = 1;
		s->viewer->type->ended(s->viewer, &s->status);
	}
}

/* After every event: as far as things go now. */
static void proceed(struct session *s)
{
	if (is_drained(s))
		finish(s);
	if (s->viewer)
		tell_viewer(s);
	settle(s);
}

/* One read, into what is kept or straight to the viewer. As read(2), or -errno. */
static ssize_t read_some(struct session *s, struct stream *st)
{
	uint8_t *chunk = s->all->chunk;
	ssize_t n;

	if (s->ring >= 0) {
		n = kept_read(&st->kept, st->end.w.fd, floor_of(st), FRAME_CHUNK);
		st->sent = MAX(st->sent, st->kept.begin);
		return n;
	}
	n = fd_read(st->end.w.fd, chunk, FRAME_CHUNK);
	if (n > 0) {
		st->kept.begin = st->kept.end += (uint64_t)n;
		st->sent = st->kept.end;
		s->viewer->type->output(s->viewer, st->type, chunk, (size_t)n);
	}
	return n;
}

/* A command that fills its pipe gets a larger one: fewer turns for the same bytes. */
static void widen(struct stream *st, ssize_t n)
{
	if (n < FRAME_CHUNK || st->is_busy)
		return;
	st->is_busy = 1;
	fd_widen_pipe(st->end.w.fd, BUSY_PIPE);
}

/* Bytes that came; 0: the end; -EAGAIN: nothing, or no room for it. */
static ssize_t take_some(struct stream *st)
{
	struct session *s = st->s;
	ssize_t n = -EAGAIN;

	/* The other stream's handler may have filled the viewer in this very turn. */
	if (can_take(st))
		n = read_some(s, st);
	if (n > 0) {
		st->owed -= MIN(st->owed, (size_t)n);
		widen(st, n);
		if (s->state == SESSION_DRAINING)
			loop_after(s->all->loop, &s->drain, DRAIN_IDLE_MS);
	} else if (n != -EAGAIN) {
		st->owed = 0; /* EIO: how a terminal's master says that nobody holds it any more */
		end_close(&st->end);
		n = 0;
	}
	return n;
}

static void stream_ready(struct watch *w, uint32_t events)
{
	struct stream *st = CONTAINER(w, struct stream, end.w);

	(void)events;
	/* What the loop's own work costs is shared by as many chunks; and nobody waits for more. */
	for (int i = 0; i < BURST && take_some(st) == FRAME_CHUNK; i++)
		;
	proceed(st->s);
}

/* --- its end --- */

static void child_ended(struct child *child, const struct exec_status *status)
{
	struct session *s = CONTAINER(child, struct session, child);

	s->status = *status;
	if (cgroup_had_oom(&s->all->cgroups, s->cgroup))
		s->status.notes |= EXEC_OOM_KILLED;
	if (s->is_main)
		s->all->main_status = s->status;
	if (s->ending != NOT_ENDING) {
		kill_all(s); /* its descendants; their group's number is still theirs */
		session_free(s);
		return;
	}
	s->state = SESSION_DRAINING;
	s->drain_until_ms = clock_ms() + DRAIN_MAX_MS;
	fd_close(&s->slave);
	for (size_t i = 0; i < COUNT(s->streams); i++) {
		int owed = 0;

		if (s->streams[i].end.w.fd >= 0)
			ioctl(s->streams[i].end.w.fd, FIONREAD, &owed);
		s->streams[i].owed = (size_t)owed;
	}
	proceed(s);
}

static void drain_due(struct timer *t)
{
	struct session *s = CONTAINER(t, struct session, drain);
	int came = 0;

	/* A loop that was late, or has more to see to than fits in one turn, is no silence of the
	 * pipes: only they can say. */
	for (size_t i = 0; i < COUNT(s->streams); i++)
		if (s->streams[i].end.w.fd >= 0)
			came |= take_some(&s->streams[i]) != -EAGAIN;
	if (!came)
		finish(s);
	proceed(s);
}

static void life_due(struct timer *t)
{
	struct session *s = CONTAINER(t, struct session, life);

	if (s->ending != NOT_ENDING)
		end_further(s);
	else
		give_up(s); /* held, or kept, for long enough */
}

/* --- what a viewer does --- */

static void input_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, input.end.w);

	(void)events;
	intake_feed(&s->input);
	proceed(s);
}

int session_input(struct session *s, const void *data, size_t len)
{
	int rc = intake_put(&s->input, data, len);

	if (rc == 0)
		proceed(s);
	return rc;
}

/* What a terminal sends to whoever is in its foreground; everything else is for the command. */
static int is_from_the_keyboard(uint32_t sig)
{
	return sig == SIGINT || sig == SIGQUIT || sig == SIGTSTP || sig == SIGWINCH;
}

int session_signal(struct session *s, uint32_t sig)
{
	pid_t group = 0;

	if (sig == 0 || sig > SIGNAL_MAX)
		return -EPROTO;
	if (!s->child.pid)
		return 0;
	if (s->tty && is_from_the_keyboard(sig))
		group = terminal_foreground(s->streams[0].end.w.fd);
	kill(-(group ? group : s->child.pid), (int)sig);
	return 0;
}

int session_resize(struct session *s, uint16_t rows, uint16_t cols)
{
	if (!s->tty)
		return -EPROTO;
	if (s->streams[0].end.w.fd >= 0)
		(void)terminal_resize(s->streams[0].end.w.fd, rows, cols);
	return 0;
}

int session_seen(struct session *s, const struct exec_seen *seen)
{
	const uint64_t now[2] = { seen->out, seen->err };

	for (size_t i = 0; i < COUNT(s->streams); i++)
		if (now[i] > s->streams[i].sent)
			return -EPROTO;
	for (size_t i = 0; i < COUNT(s->streams); i++)
		s->streams[i].seen = MAX(s->streams[i].seen, now[i]);
	proceed(s);
	return 0;
}

void session_reader_gone(struct session *s, uint8_t type)
{
	if (s->tty)
		close_wires(s); /* a terminal has no direction of its own: this is its hang-up */
	else
		end_close(&s->streams[type == FRAME_STDERR].end);
	proceed(s);
}

int session_detach(struct session *s)
{
	int rc = take_ring(s);

	if (rc == 0)
		s->policy = EXEC_DETACH;
	return rc;
}

/* Where somebody who has seen so much goes on. */
static void continue_at(struct stream *st, uint64_t seen)
{
	st->sent = seen == EXEC_SEEN_ALL ? st->kept.end
					 : MIN(MAX(seen, st->kept.begin), st->kept.end);
	st->seen = st->sent;
}

int session_attach(struct session *s, struct viewer *v, const struct exec_attach *from,
		   struct exec_started *started)
{
	struct viewer *before = s->viewer;

	if (s->ending != NOT_ENDING)
		return -ESRCH;
	if (before) {
		before->session = NULL;
		before->type->taken_over(before);
	}
	loop_cancel(s->all->loop, &s->life);
	s->viewer = v;
	v->session = s;
	s->told = 0;
	s->says_seen = v->says_seen;
	continue_at(&s->streams[0], from->out_seen);
	continue_at(&s->streams[1], from->err_seen);
	if (s->tty && from->rows)
		session_resize(s, from->rows, from->cols);
	*started = (struct exec_started){
		.pid = (uint32_t)s->pid,
		.id = s->id,
		.attached = (uint8_t)s->was_attached,
		.tty = (uint8_t)s->tty,
		.out_at = s->streams[0].sent,
		.err_at = s->streams[1].sent,
		.in_at = s->input.came,
		.window = intake_new_window(&s->input),
	};
	s->was_attached = 1;
	return 0;
}

void session_resume(struct session *s)
{
	proceed(s);
}

void session_leave(struct viewer *v)
{
	struct session *s = v->session;

	v->session = NULL;
	s->viewer = NULL;
	if (s->policy == EXEC_KILL)
		give_up(s);
	else if (s->state == SESSION_ENDED)
		loop_after(s->all->loop, &s->life, afterlife_ms(s));
	else if (s->policy == EXEC_HOLD)
		loop_after(s->all->loop, &s->life, s->hold_ms);
	if (s->state != SESSION_FREE && s->ending == NOT_ENDING)
		proceed(s);
}

/* --- its beginning --- */

struct session *session_find(struct sessions *all, const char *id)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (all->list[i].state != SESSION_FREE && !strcmp(all->list[i].id, id))
			return &all->list[i];
	return NULL;
}

int session_is_of(const struct session *s, uint64_t digest)
{
	return s->digest == digest;
}

int session_is_main(const struct session *s)
{
	return s->is_main;
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
	end_open(&s->streams[0].end, c->out);
	end_open(&s->streams[1].end, c->err);
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
	for (size_t i = 0; i < COUNT(s->streams); i++)
		s->streams[i] = (struct stream){
			.end = END_INIT(all->loop, stream_ready),
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
	struct session *s = free_place(all);
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
	if (s->policy != EXEC_KILL && take_ring(s) < 0) {
		refuse_full(why);
		return NULL;
	}
	/* Whoever leaves a terminal and comes back expects his screen; if there is room for it. */
	if (s->tty && s->ring < 0)
		(void)take_free_ring(s);
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

struct sessions *sessions_open(struct loop *l, struct reap *r, const struct session_options *o)
{
	struct sessions *all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int rc;

	if (all == MAP_FAILED)
		return NULL;
	madvise(all, sizeof(*all), MADV_NOHUGEPAGE);
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
