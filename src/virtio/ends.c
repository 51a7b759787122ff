/*
 * ends - where the messages in a byte queue end: a bit for each of its bytes, set for a message's last.
 */
#include "virtio/ends.h"

enum { BITS = 64 };

/* The place of the fifo's byte number n, counted from its oldest. */
static size_t place(const struct fifo *f, size_t n)
{
	return (f->head + n) % f->cap;
}

void ends_mark(struct ends *e, const struct fifo *f)
{
	size_t last;

	if (e->open == 0)
		return;
	last = place(f, f->len - 1);
	e->bit[last / BITS] |= 1ull << last % BITS;
	e->open = 0;
}

size_t ends_first(const struct ends *e, const struct fifo *f)
{
	size_t at = f->head;
	uint64_t ahead;

	if (f->len == e->open)
		return 0;
	/* There is one: all bytes but the open ones belong to a whole message. */
	while (!(ahead = e->bit[at / BITS] >> at % BITS))
		at = (at / BITS + 1) * BITS % f->cap;
	at += (size_t)__builtin_ctzll(ahead);
	return (at + f->cap - f->head) % f->cap + 1;
}

void ends_drop_first(struct ends *e, struct fifo *f)
{
	size_t len = ends_first(e, f), last;

	if (len == 0)
		return;
	last = place(f, len - 1);
	e->bit[last / BITS] &= ~(1ull << last % BITS);
	fifo_drop(f, len);
}

size_t ends_drop_open(struct ends *e, struct fifo *f)
{
	size_t len = e->open;

	fifo_cut(f, len);
	e->open = 0;
	return len;
}

void ends_drop_all(struct ends *e, struct fifo *f)
{
	/* One word more than the bytes fill, for they need not begin with one. */
	for (size_t n = 0; f->len > 0 && n < f->len + BITS; n += BITS)
		e->bit[place(f, n) / BITS] = 0;
	e->open = 0;
	fifo_drop(f, f->len);
}
