/*
 * exec - what is said on port 4089: a command, how it ended, or why it was refused.
 */
#include "proto/exec.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/bytes.h"

static void wr_list(struct wr *w, const char *const *list, uint32_t count)
{
	wr_be32(w, count);
	for (uint32_t i = 0; i < count; i++)
		wr_str(w, list[i]);
}

/* Fills list[0..count] (the NULL included); nothing when the count is beyond the maximum. */
static uint32_t rd_list(struct rd *r, const char **list)
{
	uint32_t count = rd_be32(r);

	if (count > EXEC_ARGS_MAX) {
		r->bad = 1;
		count = 0;
	}
	for (uint32_t i = 0; i < count; i++)
		list[i] = rd_str(r);
	list[count] = NULL;
	return count;
}

long exec_req_encode(const struct exec_req *q, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, q->flags);
	wr_str(&w, q->user);
	wr_str(&w, q->cwd);
	wr_list(&w, q->argv, q->argc);
	wr_list(&w, q->env, q->envc);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int exec_req_decode(struct exec_req *q, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	q->flags = rd_be16(&r);
	q->user = rd_str(&r);
	q->cwd = rd_str(&r);
	q->argc = rd_list(&r, q->argv);
	q->envc = rd_list(&r, q->env);
	if (!rd_done(&r) || q->argc == 0 || q->argv[0][0] == '\0')
		return -EPROTO;
	for (uint32_t i = 0; i < q->envc; i++)
		if (!strchr(q->env[i], '='))
			return -EPROTO;
	return 0;
}

void exec_status_encode(const struct exec_status *s, uint8_t out[EXEC_STATUS_BYTES])
{
	struct wr w = wr_init(out, EXEC_STATUS_BYTES);

	wr_u8(&w, s->end);
	wr_be32(&w, s->value);
}

int exec_status_decode(struct exec_status *s, const void *data, size_t len)
{
	/* The largest value each end may carry: an exit code, a signal, nothing. */
	static const uint32_t most[] = {
		[EXEC_EXITED] = 255, [EXEC_SIGNALED] = 127, [EXEC_LOST] = 0
	};
	struct rd r = rd_init(data, len);

	s->end = rd_u8(&r);
	s->value = rd_be32(&r);
	if (!rd_done(&r) || s->end < EXEC_EXITED || s->end > EXEC_LOST || s->value > most[s->end])
		return -EPROTO;
	return 0;
}

struct exec_status exec_status_from_wait(int code, int status)
{
	switch (code) {
	case CLD_EXITED:
		return (struct exec_status){ EXEC_EXITED, (uint32_t)status };
	case CLD_KILLED:
	case CLD_DUMPED:
		return (struct exec_status){ EXEC_SIGNALED, (uint32_t)status };
	}
	return (struct exec_status){ EXEC_LOST, 0 };
}

int exec_status_code(const struct exec_status *s)
{
	switch (s->end) {
	case EXEC_EXITED:
		return (int)s->value;
	case EXEC_SIGNALED:
		return 128 + (int)s->value;
	}
	return 125;
}

long refusal_encode(const struct refusal *f, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, f->why);
	wr_be32(&w, f->sys);
	wr_str(&w, f->text);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int refusal_decode(struct refusal *f, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	f->why = rd_be16(&r);
	f->sys = rd_be32(&r);
	f->text = rd_str(&r);
	return rd_done(&r) && f->why >= REFUSED_NOT_FOUND && f->why <= REFUSED_SHUTDOWN ? 0
											: -EPROTO;
}

int refusal_code(const struct refusal *f)
{
	switch (f->why) {
	case REFUSED_NOT_FOUND:
		return 127;
	case REFUSED_NOT_EXECUTABLE:
		return 126;
	}
	return 125;
}
