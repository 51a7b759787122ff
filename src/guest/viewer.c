/*
 * viewer - what whoever is attached to a session does: he comes, sends, looks, and goes.
 */
#include "guest/session_parts.h"

#include <errno.h>
#include <signal.h>

#include "base/util.h"
#include "guest/terminal.h"

enum { SIGNAL_MAX = 64 };

/* --- his frames --- */

int session_input(struct session *s, const void *data, size_t len)
{
	int rc = intake_put(&s->input, data, len);

	if (rc == 0)
		session_proceed(s);
	return rc;
}

int session_takes_pages(const struct session *s)
{
	return intake_takes_pages(&s->input);
}

ssize_t session_splice(struct session *s, int socket, size_t len)
{
	ssize_t n = intake_splice(&s->input, socket, len);

	if (n > 0)
		session_proceed(s);
	return n;
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
		group = terminal_foreground(s->outputs[0].end.w.fd);
	kill(-(group ? group : s->child.pid), (int)sig);
	return 0;
}

int session_resize(struct session *s, uint16_t rows, uint16_t cols)
{
	if (!s->tty)
		return -EPROTO;
	if (s->outputs[0].end.w.fd >= 0)
		(void)terminal_resize(s->outputs[0].end.w.fd, rows, cols);
	return 0;
}

int session_seen(struct session *s, const struct exec_seen *seen)
{
	const uint64_t now[2] = { seen->out, seen->err };

	for (size_t i = 0; i < COUNT(s->outputs); i++)
		if (now[i] > s->outputs[i].sent)
			return -EPROTO;
	for (size_t i = 0; i < COUNT(s->outputs); i++)
		s->outputs[i].seen = MAX(s->outputs[i].seen, now[i]);
	session_proceed(s);
	return 0;
}

void session_reader_gone(struct session *s, uint8_t type)
{
	if (s->tty)
		session_close_wires(
			s); /* a terminal has no direction of its own: this is its hang-up */
	else
		end_close(&s->outputs[type == FRAME_STDERR].end);
	session_proceed(s);
}

int session_detach(struct session *s)
{
	int rc = session_take_ring(s);

	if (rc == 0)
		s->policy = EXEC_DETACH;
	return rc;
}

/* --- his coming and going --- */

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
	output_continue_at(&s->outputs[0], from->out_seen);
	output_continue_at(&s->outputs[1], from->err_seen);
	if (s->tty && from->rows)
		session_resize(s, from->rows, from->cols);
	*started = (struct exec_started){
		.pid = (uint32_t)s->pid,
		.id = s->id,
		.attached = (uint8_t)s->was_attached,
		.tty = (uint8_t)s->tty,
		.out_at = s->outputs[0].sent,
		.err_at = s->outputs[1].sent,
		.in_at = s->input.came,
		.window = intake_new_window(&s->input),
	};
	s->was_attached = 1;
	return 0;
}

void session_resume(struct session *s)
{
	session_proceed(s);
}

void session_leave(struct viewer *v)
{
	struct session *s = v->session;

	v->session = NULL;
	s->viewer = NULL;
	if (s->policy == EXEC_KILL)
		session_give_up(s);
	else if (s->state == SESSION_ENDED)
		loop_after(s->all->loop, &s->life, session_afterlife_ms(s));
	else if (s->policy == EXEC_HOLD)
		loop_after(s->all->loop, &s->life, s->hold_ms);
	if (s->state != SESSION_FREE && s->ending == NOT_ENDING)
		session_proceed(s);
}
