/*
 * peer - the guest's exec server as a session sees it: frames both ways, over a connection that
 * may break and be made again.
 */
#include "host/peer.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/util.h"

enum { STEADY_MS = 10000 }; /* a connection that stood so long was one, though nothing was said */

/* --- a connection --- */

static void become_deaf(struct peer *p)
{
	p->is_deaf = 1;
	fifo_drop(&p->out, p->out.len);
	siphon_close(&p->siphon);
}

void peer_post(struct peer *p, uint8_t type, const void *data, size_t len)
{
	int rc;

	if (p->end.w.fd < 0 || p->is_deaf)
		return;
	rc = siphon_is_filled(&p->siphon) ? frame_put(&p->out, type, data, len)
					  : frame_post(&p->out, p->end.w.fd, type, data, len);
	if (rc < 0)
		become_deaf(p);
}

ssize_t peer_pass(struct peer *p, uint8_t type, int from, size_t most)
{
	ssize_t n = siphon_draw(&p->siphon, type, from, most);

	if (n > 0 && siphon_pour(&p->siphon, p->end.w.fd) < 0)
		become_deaf(p);
	return n;
}

void peer_post_u32(struct peer *p, uint8_t type, uint32_t v)
{
	uint8_t mem[4];
	struct wr w = wr_init(mem, sizeof(mem));

	wr_be32(&w, v);
	peer_post(p, type, mem, sizeof(mem));
}

int peer_is_clear(const struct peer *p)
{
	return !p->is_deaf && p->out.len == 0 && !siphon_is_filled(&p->siphon);
}

void peer_want(struct peer *p, int reads)
{
	int writes = p->out.len > 0 || siphon_is_filled(&p->siphon);

	end_want(&p->end, (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u));
}

void peer_flush(struct peer *p)
{
	ssize_t n = siphon_pour(&p->siphon, p->end.w.fd);

	if (n == 0 && !siphon_is_filled(&p->siphon))
		n = fifo_write(&p->out, p->end.w.fd);
	if (n < 0 && n != -EAGAIN)
		become_deaf(p);
}

int peer_read(struct peer *p, int one_frame)
{
	ssize_t n = one_frame ? inbox_fill_frame(&p->in, p->end.w.fd)
			      : inbox_fill(&p->in, p->end.w.fd);

	return n > 0 ? 1 : n == -EAGAIN ? 0 : n == 0 ? -ECONNRESET : (int)n;
}

/* --- its loss --- */

static void begin(struct peer *p, int fd)
{
	end_open(&p->end, fd);
	inbox_init(&p->in, p->in_mem, sizeof(p->in_mem));
	fifo_init(&p->out, p->out_mem, sizeof(p->out_mem));
	siphon_close(&p->siphon);
	p->is_deaf = 0;
	p->up_ms = 0;
}

static void redialled(struct redial *r, int fd)
{
	struct peer *p = CONTAINER(r, struct peer, redial);

	begin(p, fd);
	p->connected(p);
}

static void redial_failed(struct redial *r, int rc)
{
	struct peer *p = CONTAINER(r, struct peer, redial);

	(void)rc;
	p->gave_up(p);
}

static int was_of_use(const struct peer *p, uint64_t moved, int64_t now)
{
	if (!p->since_ms || moved != p->moved)
		return 1;
	return p->up_ms && now - p->up_ms >= MIN((int64_t)p->hold_ms, STEADY_MS) &&
	       !inbox_is_partial(&p->in) && p->out.len == 0;
}

int peer_call_again(struct peer *p, uint64_t moved)
{
	int64_t now = clock_ms();
	int is_first = was_of_use(p, moved, now);

	if (is_first) {
		p->since_ms = now;
		p->moved = moved;
		p->is_missed = 1;
		redial_proven(&p->redial);
	}
	end_close(&p->end);
	begin(p, -1);
	if (now - p->since_ms >= p->hold_ms)
		return -ETIMEDOUT;
	redial_start(&p->redial, p->target, p->port, p->since_ms + p->hold_ms);
	return is_first;
}

int64_t peer_is_back(struct peer *p)
{
	int was_missed = p->is_missed;

	p->up_ms = clock_ms();
	p->is_missed = 0;
	return was_missed ? p->up_ms - p->since_ms : -1;
}

/* --- the whole --- */

void peer_open(struct peer *p, int fd, struct loop *l,
	       void (*ready)(struct watch *w, uint32_t events))
{
	p->end = END_INIT(l, ready);
	p->siphon = (struct siphon)SIPHON_INIT;
	redial_init(&p->redial, l);
	p->redial.connected = redialled;
	p->redial.gave_up = redial_failed;
	begin(p, fd);
}

void peer_close(struct peer *p)
{
	end_close(&p->end);
	siphon_close(&p->siphon);
	redial_stop(&p->redial);
}
