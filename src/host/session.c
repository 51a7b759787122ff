/*
 * session - the host's end of a command in the guest.
 *
 * Its own loop, for as long as the command runs: the guest's frames (host/peer) on one side, the
 * person (host/seat) on the other. Output that our stdout does not take now stays in the inbox, and
 * the connection is not read until it is gone.
 *
 * The connection may be lost and come back under it: both sides count bytes, so each knows what
 * the other has not got.
 */
#include "host/session_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

enum {
	GIVEN_UP = 128 + SIGINT,
	GIVE_UP_MS = 1000, /* the second ^C within this time */
	LEAVE_MS = 1000,   /* for the guest to let us go */
	GRACE_MS = 2000,   /* between TERM and KILL, and between KILL and giving up */
	BURST = 8,	   /* pieces of one way in one turn of the loop: nobody waits for more */
};

/* --- how it ends --- */

void session_finish(struct session *s, int rc)
{
	if (rc < 0)
		s->e->exit = s->e->exit ? s->e->exit : SESSION_FAILED;
	loop_stop(&s->loop, rc);
}

const char *session_where(const struct session *s)
{
	return s->how->target ? s->how->target->name : "the VM";
}

/* It runs on without us. */
void session_abandon(struct session *s, int code)
{
	s->end->was_left = 1;
	s->code = code;
	if (s->state == AWAY) {
		session_finish(s, code); /* nobody to tell: what its request said is done with it */
		return;
	}
	s->state = LEAVING;
	s->passage.to = NULL;
	seat_pause(&s->seat);
	s->seat.input.has_ended = 1;
	peer_post(&s->peer, FRAME_DETACH, NULL, 0);
	loop_after(&s->loop, &s->leave, LEAVE_MS);
}

static void leave_due(struct timer *t)
{
	struct session *s = CONTAINER(t, struct session, leave);

	session_finish(s, s->code);
}

/* --- our stdin --- */

/* As much as may be sent and goes out at once; never more than one frame waits. */
static void send_input(struct session *s)
{
	struct input *in = &s->seat.input;
	const uint8_t *data;
	size_t len;

	while (peer_is_clear(&s->peer) && s->state == RUNNING &&
	       (data = input_next(in, &len)) != NULL) {
		peer_post(&s->peer, FRAME_STDIN, data, len);
		input_sent(in, len);
	}
}

/* Nonzero when there may be more to read. */
static int pass_input(struct session *s)
{
	struct input *in = &s->seat.input;
	size_t flow = input_flow(in);
	int more;

	if (!peer_is_clear(&s->peer))
		return 0;
	more = flow && s->state == RUNNING
		       ? input_flowed(in, peer_pass(&s->peer, FRAME_STDIN, in->io.fd, flow))
		       : input_read(in);
	send_input(s);
	if (detachkeys_typed(&s->seat.keys))
		session_abandon(s, 0);
	return more;
}

/* --- what is waited for --- */

static void settle_input(struct session *s)
{
	struct input *in = &s->seat.input;
	int wanted;

	send_input(s);
	wanted = peer_is_clear(&s->peer) && input_wants(in);
	if (!in->io.is_file && end_want(&in->end, wanted ? EPOLLIN : 0) == -EPERM)
		in->io.is_file = 1;
	if (in->io.is_file)
		while (pass_input(s))
			;
}

/* What a connection that breaks now need not bring again: else a held command would stop when the
 * guest keeps no more. Zeros in front of the request say that we say so. */
static void post_seen(struct session *s, struct exec_seen seen)
{
	uint8_t mem[EXEC_SEEN_BYTES];

	exec_seen_encode(&seen, mem);
	peer_post(&s->peer, FRAME_SEEN, mem, sizeof(mem));
	s->said_seen = seen.out + seen.err;
}

static void say_seen(struct session *s)
{
	const struct exec_seen seen = seat_seen(&s->seat);

	if (s->state == RUNNING && s->says_seen &&
	    seen.out + seen.err - s->said_seen >= EXEC_KEPT / 4)
		post_seen(s, seen);
}

void session_settle(struct session *s)
{
	int is_full = seat_is_full(&s->seat);

	say_seen(s);
	if (s->seat.has_input)
		settle_input(s);
	seat_want(&s->seat);
	peer_want(&s->peer, !is_full);
}

static void input_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER(w, struct session, seat.input.end.w);

	(void)events;
	for (int i = 0; i < BURST && pass_input(s); i++)
		;
	session_settle(s);
}

/* --- a connection, and its loss --- */

/* The request, or a way back to the command that it started. */
static int ask(struct session *s)
{
	const struct session_how *how = s->how;
	const struct exec_seen seen = seat_seen(&s->seat);
	const struct exec_attach back = { s->end->id, seen.out, seen.err, 0, 0 };
	const struct exec_attach *attach = s->end->id[0] ? &back : how->attach;
	uint8_t *mem = malloc(FRAME_MAX);
	long len = -ENOMEM;

	if (mem)
		len = attach ? exec_attach_encode(attach, mem, FRAME_MAX)
			     : exec_req_encode(how->start, mem, FRAME_MAX);
	s->says_seen = attach || how->start->policy != EXEC_KILL;
	if (s->says_seen)
		post_seen(s, (struct exec_seen){ 0, 0 });
	if (len > 0)
		peer_post(&s->peer, attach ? FRAME_ATTACH : FRAME_EXEC, mem, (size_t)len);
	free(mem);
	s->state = ASKING;
	return len < 0 ? err_set(s->e, (int)len, "%s",
				 len == -EMSGSIZE
					 ? "the command and its environment are longer than 1 MiB"
					 : strerror((int)-len))
		       : 0;
}

static void connected(struct peer *p)
{
	struct session *s = CONTAINER(p, struct session, peer);
	int rc = ask(s);

	if (rc < 0)
		session_finish(s, rc);
	else
		session_settle(s);
}

static void lost_for_good(struct peer *p)
{
	struct session *s = CONTAINER(p, struct session, peer);

	session_finish(s,
		       err_set(s->e, -ECONNRESET,
			       "the connection to the VM ended before the command's status came"));
}

static void come_back(struct session *s)
{
	const struct exec_seen seen = seat_seen(&s->seat);
	int rc;

	seat_pause(&s->seat);
	s->passage = (struct passage){ 0 };
	s->state = AWAY;
	rc = peer_call_again(&s->peer, seen.out + seen.err + s->seat.input.taken);
	if (rc < 0) {
		session_finish(
			s, err_set(s->e, -ECONNRESET,
				   "the connection to the VM breaks again and again; nothing came "
				   "through for %" PRIu32 " s",
				   s->how->hold_ms / 1000));
		return;
	}
	if (rc > 0)
		seat_tell(&s->seat,
			  "%s: the connection is lost; trying for %" PRIu32 " s to come back",
			  session_where(s), s->how->hold_ms / 1000);
	session_settle(s);
}

void session_broken(struct session *s, int rc)
{
	if (s->state == LEAVING)
		session_finish(s, s->code);
	else if (rc == -EPROTO || rc == -EMSGSIZE)
		session_finish(s,
			       err_set(s->e, rc,
				       "the guest's exec server sent what no such server sends"));
	else if (s->how->hold_ms > 0)
		come_back(s);
	else
		lost_for_good(&s->peer);
}

static void post_size(struct session *s)
{
	uint8_t mem[EXEC_SIZE_BYTES];

	exec_size_encode(s->seat.tty.rows, s->seat.tty.cols, mem);
	peer_post(&s->peer, FRAME_RESIZE, mem, sizeof(mem));
}

void session_lend_tty(struct session *s)
{
	seat_lend(&s->seat);
	post_size(s); /* it may have changed on the way */
}

int session_out_of_time(struct session *s, const char *what)
{
	return err_deadline(s->e, "the command did not end within its time, and %s", what);
}

/* --- time --- */

/* The command's time is over: it is asked to end, then made to, then left to the guest. */
static void limit_due(struct timer *t)
{
	static const int steps[] = { SIGTERM, SIGKILL };
	struct session *s = CONTAINER(t, struct session, limit);

	if (s->state != RUNNING || s->limit_step == COUNT(steps)) {
		session_finish(s, session_out_of_time(s, "could not be ended"));
		return;
	}
	peer_post_u32(&s->peer, FRAME_SIGNAL, (uint32_t)steps[s->limit_step++]);
	loop_after(&s->loop, &s->limit, GRACE_MS);
	session_settle(s);
}

/* --- signals --- */

static void forward(struct session *s, int sig)
{
	peer_post_u32(&s->peer, FRAME_SIGNAL, (uint32_t)sig);
}

static void told_to_end(struct session *s, int sig)
{
	int64_t now = clock_ms();

	if (s->state == LEAVING)
		session_finish(s, 128 + sig);
	else if (s->how->attach)
		session_abandon(s, 128 + sig); /* what he came to look at is not his */
	else if (s->state == AWAY || s->seat.tty.is_raw)
		session_finish(s, 128 + sig);
	else if (sig == SIGINT && s->interrupted_ms && now - s->interrupted_ms < GIVE_UP_MS)
		session_finish(s, GIVEN_UP);
	else
		forward(s, sig);
	if (sig == SIGINT)
		s->interrupted_ms = now;
}

/* The shell's ^Z, or somebody's TSTP, stops us; the command goes on. */
static void suspended(struct session *s, int sig)
{
	(void)sig;
	tty_restore(&s->seat.tty, 0);
	raise(SIGSTOP);
}

/* Also after a SIGSTOP, of which we knew nothing. */
static void continued(struct session *s, int sig)
{
	(void)sig;
	if (s->seat.is_lent && s->state != LEAVING)
		session_lend_tty(s);
}

static void resized(struct session *s, int sig)
{
	(void)sig;
	if (s->seat.is_lent && tty_resized(&s->seat.tty))
		post_size(s);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	static const struct {
		int sig;
		void (*act)(struct session *s, int sig);
	} table[] = {
		{ SIGINT, told_to_end },  { SIGTERM, told_to_end }, { SIGHUP, told_to_end },
		{ SIGQUIT, told_to_end }, { SIGUSR1, forward },	    { SIGUSR2, forward },
		{ SIGTSTP, suspended },	  { SIGCONT, continued },   { SIGWINCH, resized },
	};
	struct session *s = CONTAINER(l, struct session, loop);

	for (size_t i = 0; i < COUNT(table); i++)
		if (si->ssi_signo == (uint32_t)table[i].sig)
			table[i].act(s, table[i].sig);
	if (s->loop.running)
		session_settle(s);
}

/* --- the whole --- */

static void init(struct session *s, int fd, const struct session_how *how)
{
	int has_input = !how->only_start &&
			(how->attach || how->start->flags & (EXEC_STDIN | EXEC_TTY));

	s->how = how;
	s->loop = LOOP_INIT;
	s->loop.signalled = signalled;
	peer_open(&s->peer, fd, &s->loop, session_peer_ready);
	s->peer.target = how->target;
	s->peer.port = how->port;
	s->peer.hold_ms = how->hold_ms;
	s->peer.connected = connected;
	s->peer.gave_up = lost_for_good;
	seat_init(&s->seat, &how->keys, has_input);
	s->seat.input.is_kept = how->hold_ms > 0;
	if (how->attach) {
		s->seat.outlets[0].seen = how->attach->out_seen;
		s->seat.outlets[1].seen = how->attach->err_seen;
	}
	s->leave = (struct timer){ .due = leave_due };
	s->limit = (struct timer){ .due = limit_due };
}

static void close_all(struct session *s)
{
	peer_close(&s->peer);
	seat_close(&s->seat);
	loop_close(&s->loop);
}

static int run(struct session *s)
{
	int rc = loop_open(&s->loop);

	if (rc == 0)
		rc = seat_open(&s->seat, &s->loop, input_ready, session_outlet_ready, s);
	if (rc < 0)
		return err_set(s->e, rc, "standard input and output: %s", strerror(-rc));
	rc = ask(s);
	if (rc < 0)
		return rc;
	if (s->how->timeout_ms)
		loop_after(&s->loop, &s->limit, s->how->timeout_ms);
	session_settle(s);
	rc = loop_run(&s->loop);
	tty_restore(&s->seat.tty, rc < 0);
	return rc;
}

int session_run(int fd, const struct session_how *how, struct session_end *end, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	int rc;

	*end = (struct session_end){ 0 };
	if (!s) {
		fd_close(&fd);
		return err_set(e, -ENOMEM, "no memory for a session");
	}
	init(s, fd, how);
	s->e = e;
	s->end = end;
	rc = run(s);
	if (rc < 0 && !e->exit)
		e->exit = SESSION_FAILED;
	close_all(s);
	loop_unblock(&s->loop);
	free(s);
	return rc;
}
