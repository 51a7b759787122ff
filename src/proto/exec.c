/*
 * exec - what is said on ports 4089 (pipes) and 4090 (a terminal): a command, how it ended.
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

/* 0 when there are more than most. */
static uint32_t rd_count(struct rd *r, uint32_t most)
{
	uint32_t count = rd_be32(r);

	if (count > most) {
		r->bad = 1;
		count = 0;
	}
	return count;
}

/* Fills list[0..count] (the NULL included); nothing when the count is beyond the maximum. */
static uint32_t rd_list(struct rd *r, const char **list)
{
	uint32_t count = rd_count(r, EXEC_ARGS_MAX);

	for (uint32_t i = 0; i < count; i++)
		list[i] = rd_str(r);
	list[count] = NULL;
	return count;
}

int exec_id_is_valid(const char *id)
{
	size_t len = strspn(id,
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return len > 0 && len < EXEC_ID_MAX && id[len] == '\0';
}

long exec_req_encode(const struct exec_req *q, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, q->flags);
	wr_u8(&w, q->policy);
	wr_be32(&w, q->hold_ms);
	wr_str(&w, q->id);
	wr_be16(&w, q->rows);
	wr_be16(&w, q->cols);
	wr_be64(&w, q->drop_caps);
	wr_be32(&w, q->nrlimits);
	for (uint32_t i = 0; i < q->nrlimits; i++) {
		wr_u8(&w, q->rlimits[i].resource);
		wr_be64(&w, q->rlimits[i].soft);
		wr_be64(&w, q->rlimits[i].hard);
	}
	wr_list(&w, q->groups, q->ngroups);
	wr_be32(&w, q->npaths);
	for (uint32_t i = 0; i < q->npaths; i++) {
		wr_u8(&w, q->paths[i].how);
		wr_str(&w, q->paths[i].path);
	}
	wr_str(&w, q->user);
	wr_str(&w, q->cwd);
	wr_list(&w, q->argv, q->argc);
	wr_list(&w, q->env, q->envc);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

/* What the fields say of one another. */
static int is_sane(const struct exec_req *q)
{
	int tty = (q->flags & EXEC_TTY) != 0;

	if (q->flags & ~EXEC_FLAGS || q->policy > EXEC_DETACH)
		return 0;
	if (q->id[0] && !exec_id_is_valid(q->id))
		return 0;
	if (tty != (q->rows > 0) || tty != (q->cols > 0))
		return 0;
	for (uint32_t i = 0; i < q->nrlimits; i++)
		if (q->rlimits[i].resource >= EXEC_RLIMITS_MAX ||
		    q->rlimits[i].soft > q->rlimits[i].hard)
			return 0;
	for (uint32_t i = 0; i < q->npaths; i++)
		if (q->paths[i].how < EXEC_READ_ONLY || q->paths[i].how > EXEC_MASKED ||
		    q->paths[i].path[0] != '/')
			return 0;
	return 1;
}

int exec_req_decode(struct exec_req *q, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	q->flags = rd_be16(&r);
	q->policy = rd_u8(&r);
	q->hold_ms = rd_be32(&r);
	q->id = rd_str(&r);
	q->rows = rd_be16(&r);
	q->cols = rd_be16(&r);
	q->drop_caps = rd_be64(&r);
	q->nrlimits = rd_count(&r, EXEC_RLIMITS_MAX);
	for (uint32_t i = 0; i < q->nrlimits; i++) {
		q->rlimits[i].resource = rd_u8(&r);
		q->rlimits[i].soft = rd_be64(&r);
		q->rlimits[i].hard = rd_be64(&r);
	}
	q->ngroups = rd_count(&r, EXEC_GROUPS_MAX);
	for (uint32_t i = 0; i < q->ngroups; i++)
		q->groups[i] = rd_str(&r);
	q->npaths = rd_count(&r, EXEC_PATHS_MAX);
	for (uint32_t i = 0; i < q->npaths; i++) {
		q->paths[i].how = rd_u8(&r);
		q->paths[i].path = rd_str(&r);
	}
	q->user = rd_str(&r);
	q->cwd = rd_str(&r);
	q->argc = rd_list(&r, q->argv);
	q->envc = rd_list(&r, q->env);
	if (!rd_done(&r) || q->argc == 0 || q->argv[0][0] == '\0' || !is_sane(q))
		return -EPROTO;
	for (uint32_t i = 0; i < q->envc; i++)
		if (!strchr(q->env[i], '='))
			return -EPROTO;
	return 0;
}

long exec_started_encode(const struct exec_started *s, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be32(&w, s->pid);
	wr_str(&w, s->id);
	wr_u8(&w, s->attached);
	wr_u8(&w, s->tty);
	wr_be64(&w, s->out_at);
	wr_be64(&w, s->err_at);
	wr_be64(&w, s->in_at);
	wr_be32(&w, s->window);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int exec_started_decode(struct exec_started *s, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	s->pid = rd_be32(&r);
	s->id = rd_str(&r);
	s->attached = rd_u8(&r);
	s->tty = rd_u8(&r);
	s->out_at = rd_be64(&r);
	s->err_at = rd_be64(&r);
	s->in_at = rd_be64(&r);
	s->window = rd_be32(&r);
	return rd_done(&r) && exec_id_is_valid(s->id) && s->attached <= 1 && s->tty <= 1 &&
			       s->window <= EXEC_WINDOW
		       ? 0
		       : -EPROTO;
}

long exec_attach_encode(const struct exec_attach *a, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_str(&w, a->id);
	wr_be64(&w, a->out_seen);
	wr_be64(&w, a->err_seen);
	wr_be16(&w, a->rows);
	wr_be16(&w, a->cols);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int exec_attach_decode(struct exec_attach *a, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	a->id = rd_str(&r);
	a->out_seen = rd_be64(&r);
	a->err_seen = rd_be64(&r);
	a->rows = rd_be16(&r);
	a->cols = rd_be16(&r);
	return rd_done(&r) && exec_id_is_valid(a->id) && (a->rows > 0) == (a->cols > 0) ? 0
											: -EPROTO;
}

void exec_seen_encode(const struct exec_seen *s, uint8_t out[EXEC_SEEN_BYTES])
{
	struct wr w = wr_init(out, EXEC_SEEN_BYTES);

	wr_be64(&w, s->out);
	wr_be64(&w, s->err);
}

int exec_seen_decode(struct exec_seen *s, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	s->out = rd_be64(&r);
	s->err = rd_be64(&r);
	return rd_done(&r) ? 0 : -EPROTO;
}

void exec_size_encode(uint16_t rows, uint16_t cols, uint8_t out[EXEC_SIZE_BYTES])
{
	struct wr w = wr_init(out, EXEC_SIZE_BYTES);

	wr_be16(&w, rows);
	wr_be16(&w, cols);
}

int exec_size_decode(uint16_t *rows, uint16_t *cols, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	*rows = rd_be16(&r);
	*cols = rd_be16(&r);
	return rd_done(&r) && *rows > 0 && *cols > 0 ? 0 : -EPROTO;
}

void exec_status_encode(const struct exec_status *s, uint8_t out[EXEC_STATUS_BYTES])
{
	struct wr w = wr_init(out, EXEC_STATUS_BYTES);

	wr_u8(&w, s->end);
	wr_be32(&w, s->value);
	wr_u8(&w, s->notes);
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
	s->notes = rd_u8(&r);
	if (!rd_done(&r) || s->end < EXEC_EXITED || s->end > EXEC_LOST || s->value > most[s->end] ||
	    s->notes & ~EXEC_NOTES)
		return -EPROTO;
	return 0;
}

struct exec_status exec_status_from_wait(int code, int status)
{
	switch (code) {
	case CLD_EXITED:
		return (struct exec_status){ EXEC_EXITED, (uint32_t)status, 0 };
	case CLD_KILLED:
	case CLD_DUMPED:
		return (struct exec_status){ EXEC_SIGNALED, (uint32_t)status, 0 };
	}
	return (struct exec_status){ EXEC_LOST, 0, 0 };
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
