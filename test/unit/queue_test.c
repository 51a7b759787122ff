/* What vq_pop() must refuse, and all a queue must get right: the guest is an adversary, not a
 * colleague. */
#include "virtio/queue.h"

#include <errno.h>

#include "base/util.h"
#include "check.h"

/* Two regions that touch in the guest and not on the host. */
enum { LOW = 0x10000, HIGH = 0x4000, DESC = 0x1000, AVAIL = 0x2000, USED = 0x4000, TABLE = 0x6000 };
enum { DATA = 0x8000, SIZE = 8 };

static _Alignas(16) uint8_t low[LOW], high[HIGH];
static const struct gmem mem = { { { 0, LOW, low }, { LOW, HIGH, high } } };

static struct ring_desc *desc(void)
{
	return (struct ring_desc *)(void *)&low[DESC];
}

static struct ring_avail *avail(void)
{
	return (struct ring_avail *)(void *)&low[AVAIL];
}

static struct ring_used *used(void)
{
	return (struct ring_used *)(void *)&low[USED];
}

static struct vq world(uint16_t size)
{
	struct vq q;

	memset(low, 0, sizeof(low));
	vq_reset(&q, &mem, size);
	q.desc_at = DESC;
	q.avail_at = AVAIL;
	q.used_at = USED;
	CHECK(vq_start(&q) == 0);
	return q;
}

static void offer(const struct vq *q, uint16_t head)
{
	avail()->ring[avail()->idx % q->size] = head;
	avail()->idx++;
}

/* A queue of eight that holds these descriptors and indirect entries, the first one offered. */
static struct vq holding(const struct ring_desc d[SIZE], const struct ring_desc table[SIZE + 1])
{
	struct vq q = world(SIZE);

	memcpy(desc(), d, SIZE * sizeof(*d));
	memcpy(&low[TABLE], table, (SIZE + 1) * sizeof(*table));
	offer(&q, 0);
	return q;
}

struct layout {
	const char *why;
	struct ring_desc d[SIZE];
	struct ring_desc table[SIZE + 1]; /* at TABLE */
	unsigned nread, nwrite;		  /* of the chain, when it is a good one */
};

#define N	   DESC_NEXT
#define W	   DESC_WRITE
#define I	   DESC_INDIRECT
#define ENTRIES(n) ((n) * (uint32_t)sizeof(struct ring_desc))
#define MAX32	   0xffffffffu

static void a_bad_chain_is_believed(void)
{
	static const struct layout bad[] = {
		{ "past the end of RAM", .d = { { LOW + HIGH - 8, 9, 0, 0 } } },
		{ "starts right behind RAM", .d = { { LOW + HIGH, 1, 0, 0 } } },
		{ "the address wraps around", .d = { { UINT64_MAX, 2, 0, 0 } } },
		{ "address and length wrap to a good end", .d = { { UINT64_MAX - 15, 32, 0, 0 } } },
		{ "top bit set", .d = { { 1ull << 63 | DATA, 16, 0, 0 } } },
		{ "4 GiB less a byte", .d = { { DATA, MAX32, 0, 0 } } },
		{ "crosses from one region into the next", .d = { { LOW - 1, 2, 0, 0 } } },
		{ "second buffer bad", .d = { { DATA, 16, N, 1 }, { LOW + HIGH, 16, 0, 0 } } },
		{ "next outside the table", .d = { { DATA, 16, N, SIZE } } },
		{ "next far outside the table", .d = { { DATA, 16, N, 0xffff } } },
		{ "chain points at itself", .d = { { DATA, 16, N, 0 } } },
		{ "loop of two", .d = { { DATA, 16, N, 1 }, { DATA, 16, N, 0 } } },
		{ "loop behind a lead-in",
		  .d = { { DATA, 1, N, 1 }, { DATA, 1, N, 2 }, { DATA, 1, N, 1 } } },
		{ "loop of empty buffers", .d = { { 0, 0, N, 1 }, { 0, 0, N, 0 } } },
		{ "readable after writable", .d = { { DATA, 16, N | W, 1 }, { DATA, 16, 0, 0 } } },
		{ "empty readable after writable",
		  .d = { { DATA, 16, N | W, 1 }, { 0, 0, 0, 0 } } },
		{ "indirect with NEXT", .d = { { TABLE, ENTRIES(1), I | N, 1 } },
		  .table = { { DATA, 1, 0, 0 } } },
		{ "indirect inside indirect", .d = { { TABLE, ENTRIES(1), I, 0 } },
		  .table = { { TABLE, ENTRIES(1), I, 0 } } },
		{ "indirect as second entry of a table", .d = { { TABLE, ENTRIES(2), I, 0 } },
		  .table = { { DATA, 1, N, 1 }, { TABLE, ENTRIES(1), I, 0 } } },
		{ "empty indirect table", .d = { { TABLE, 0, I, 0 } } },
		{ "table of 8 bytes", .d = { { TABLE, 8, I, 0 } } },
		{ "table of one and a half", .d = { { TABLE, 24, I, 0 } },
		  .table = { { DATA, 1, 0, 0 } } },
		{ "table longer than the queue", .d = { { TABLE, ENTRIES(SIZE + 1), I, 0 } },
		  .table = { { DATA, 1, 0, 0 } } },
		{ "table of 4 GiB", .d = { { TABLE, MAX32 & ~15u, I, 0 } } },
		{ "table outside RAM", .d = { { LOW + HIGH, ENTRIES(1), I, 0 } } },
		{ "table crosses two regions", .d = { { LOW - 16, ENTRIES(2), I, 0 } } },
		{ "next outside the indirect table", .d = { { TABLE, ENTRIES(2), I, 0 } },
		  .table = { { DATA, 1, N, 2 }, { DATA, 1, 0, 0 }, { DATA, 1, 0, 0 } } },
		{ "loop in the indirect table", .d = { { TABLE, ENTRIES(2), I, 0 } },
		  .table = { { DATA, 1, N, 1 }, { DATA, 1, N, 0 } } },
		{ "bad buffer in the indirect table", .d = { { TABLE, ENTRIES(1), I, 0 } },
		  .table = { { LOW + HIGH - 1, 2, 0, 0 } } },
		{ "writable, then a table of readable ones",
		  .d = { { DATA, 1, N | W, 1 }, { TABLE, ENTRIES(1), I, 0 } },
		  .table = { { DATA, 1, 0, 0 } } },
	};
	struct chain c;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct vq q = holding(bad[i].d, bad[i].table);
		int rc = vq_pop(&q, &c);

		if (rc != -EPROTO)
			printf("# %s: got %d\n", bad[i].why, rc);
		CHECK(rc == -EPROTO);
		CHECK(q.next_avail == 0 && used()->idx == 0);
	}
}

static void an_odd_but_legal_chain_is_refused(void)
{
	static const struct layout good[] = {
		{ "one byte, the last of RAM", .d = { { LOW + HIGH - 1, 1, W, 0 } }, .nwrite = 1 },
		{ "a whole region", .d = { { LOW, HIGH, 0, 0 } }, .nread = 1 },
		{ "the first byte", .d = { { 0, 1, 0, 0 } }, .nread = 1 },
		{ "empty buffer at a bad address", .d = { { UINT64_MAX, 0, 0, 0 } }, .nread = 1 },
		{ "next without NEXT is not looked at", .d = { { DATA, 1, 0, 0xffff } },
		  .nread = 1 },
		{ "the same bytes twice", .d = { { DATA, 16, N, 1 }, { DATA, 16, W, 0 } },
		  .nread = 1, .nwrite = 1 },
		{ "as long as the queue",
		  .d = { { DATA, 1, N, 7 },
			 { DATA, 1, N | W, 2 },
			 { DATA, 1, N | W, 3 },
			 { DATA, 1, W, 0 },
			 { DATA, 1, N, 5 },
			 { DATA, 1, N, 6 },
			 { DATA, 1, N, 1 },
			 { DATA, 1, N, 4 } },
		  .nread = 5, .nwrite = 3 },
		{ "unknown flags", .d = { { DATA, 1, 0xfff8, 0 } }, .nread = 1 },
		{ "indirect table that fills the queue", .d = { { TABLE, ENTRIES(SIZE), I, 0 } },
		  .table = { { DATA, 1, N, 1 },
			     { DATA, 1, N, 2 },
			     { DATA, 1, N, 3 },
			     { DATA, 1, N, 4 },
			     { DATA, 1, N, 5 },
			     { DATA, 1, N, 6 },
			     { DATA, 1, N, 7 },
			     { DATA, 1, W, 0 } },
		  .nread = 7, .nwrite = 1 },
		{ "table longer than its chain", .d = { { TABLE, ENTRIES(4), I, 0 } },
		  .table = { { DATA, 1, N, 3 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { DATA, 1, W, 0 } },
		  .nread = 1, .nwrite = 1 },
		{ "WRITE on the table itself is ignored", .d = { { TABLE, ENTRIES(1), I | W, 0 } },
		  .table = { { DATA, 1, 0, 0 } }, .nread = 1 },
		{ "table at an odd address", /* 2.7.5.3 asks for no alignment */
		  .d = { { TABLE + 16, ENTRIES(1), I, 0 } },
		  .table = { { 0, 0, 0, 0 }, { DATA, 1, W, 0 } }, .nwrite = 1 },
		{ "buffer, then a table",
		  .d = { { DATA, 1, N, 3 },
			 { 0, 0, 0, 0 },
			 { 0, 0, 0, 0 },
			 { TABLE, ENTRIES(1), I, 0 } },
		  .table = { { DATA, 1, W, 0 } }, .nread = 1, .nwrite = 1 },
	};
	struct chain c;

	for (size_t i = 0; i < COUNT(good); i++) {
		struct vq q = holding(good[i].d, good[i].table);
		int rc = vq_pop(&q, &c);

		if (rc != 1 || c.nread != good[i].nread || c.nwrite != good[i].nwrite)
			printf("# %s: got %d, %u readable, %u writable\n", good[i].why, rc, c.nread,
			       c.nwrite);
		CHECK(rc == 1 && c.nread == good[i].nread && c.nwrite == good[i].nwrite);
		CHECK(vq_pop(&q, &c) == 0);
	}
}

static void an_unaligned_indirect_table_traps(void)
{
	static const struct ring_desc one = { DATA, 5, W, 0 };
	struct vq q = world(SIZE);
	struct chain c;

	desc()[0] = (struct ring_desc){ TABLE + 3, ENTRIES(1), I, 0 };
	memcpy(&low[TABLE + 3], &one, sizeof(one));
	offer(&q, 0);
	CHECK(vq_pop(&q, &c) == 1 && c.nwrite == 1 && c.iov[0].iov_len == 5);
}

static void the_longest_legal_chain_is_not_all_there(void)
{
	struct vq q = world(VQ_SIZE_MAX);
	struct chain c;

	for (unsigned i = 0; i < VQ_SIZE_MAX; i++)
		desc()[i] = (struct ring_desc){ DATA + i, 1, i < VQ_SIZE_MAX - 1 ? N : 0,
						(uint16_t)(i + 1) };
	offer(&q, 0);
	CHECK(vq_pop(&q, &c) == 1 && c.nread == VQ_SIZE_MAX);
	CHECK(chain_readable(&c) == VQ_SIZE_MAX);
	/* The same with one more in front of a full table: it must not fit anywhere. */
	memcpy(&low[TABLE], desc(), ENTRIES(VQ_SIZE_MAX));
	desc()[0] = (struct ring_desc){ DATA, 1, N, 1 };
	desc()[1] = (struct ring_desc){ TABLE, ENTRIES(VQ_SIZE_MAX), I, 0 };
	offer(&q, 0);
	CHECK(vq_pop(&q, &c) == -EPROTO);
}

static void a_bad_index_is_believed(void)
{
	static const struct {
		const char *why;
		uint16_t idx, head;
		int want;
	} cases[] = {
		{ "nothing offered", 0, SIZE, 0 },
		{ "head is the last entry", 1, SIZE - 1, 1 },
		{ "head outside the table", 1, SIZE, -EPROTO },
		{ "head far outside the table", 1, 0xffff, -EPROTO },
		{ "as many as fit", SIZE, 0, 1 },
		{ "one more than fits", SIZE + 1, 0, -EPROTO },
		{ "half the number space ahead", 0x8000, 0, -EPROTO },
		{ "one behind", 0xffff, 0, -EPROTO },
	};
	struct chain c;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vq q = world(SIZE);
		int rc;

		desc()[0] = desc()[SIZE - 1] = (struct ring_desc){ DATA, 1, 0, 0 };
		avail()->ring[0] = cases[i].head;
		avail()->idx = cases[i].idx;
		rc = vq_pop(&q, &c);
		if (rc != cases[i].want)
			printf("# %s: got %d\n", cases[i].why, rc);
		CHECK(rc == cases[i].want);
	}
}

static void rings_out_of_place_are_started(void)
{
	static const struct {
		const char *why;
		gpa_t desc, avail, used;
		uint16_t size;
		int want;
	} cases[] = {
		{ "as it should be", DESC, AVAIL, USED, SIZE, 0 },
		{ "one entry", DESC, AVAIL, USED, 1, 0 },
		{ "the most entries", DESC, AVAIL, USED, VQ_SIZE_MAX, 0 },
		{ "used ring ends with RAM", DESC, AVAIL, LOW + HIGH - 72, SIZE, 0 },
		{ "no entries", DESC, AVAIL, USED, 0, -EPROTO },
		{ "three entries", DESC, AVAIL, USED, 3, -EPROTO },
		{ "more than the most", DESC, AVAIL, USED, 2 * VQ_SIZE_MAX, -EPROTO },
		{ "the most a u16 has", DESC, AVAIL, USED, 0x8000, -EPROTO },
		{ "desc off by 8", DESC + 8, AVAIL, USED, SIZE, -EPROTO },
		{ "avail off by 1", DESC, AVAIL + 1, USED, SIZE, -EPROTO },
		{ "used off by 2", DESC, AVAIL, USED + 2, SIZE, -EPROTO },
		{ "desc leaves RAM", LOW + HIGH - 112, AVAIL, USED, SIZE, -EPROTO },
		{ "avail without used_event", DESC, LOW + HIGH - 20, USED, SIZE, -EPROTO },
		{ "used without avail_event", DESC, AVAIL, LOW + HIGH - 68, SIZE, -EPROTO },
		{ "desc crosses regions", LOW - 16, AVAIL, USED, SIZE, -EPROTO },
		{ "avail crosses regions", DESC, LOW - 2, USED, SIZE, -EPROTO },
		{ "used crosses regions", DESC, AVAIL, LOW - 4, SIZE, -EPROTO },
		{ "desc wraps around", UINT64_MAX - 15, AVAIL, USED, SIZE, -EPROTO },
		{ "avail wraps around", DESC, UINT64_MAX - 1, USED, SIZE, -EPROTO },
		{ "used wraps around", DESC, AVAIL, UINT64_MAX - 3, SIZE, -EPROTO },
	};
	struct chain c;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vq q;
		int rc;

		vq_reset(&q, &mem, cases[i].size);
		q.desc_at = cases[i].desc;
		q.avail_at = cases[i].avail;
		q.used_at = cases[i].used;
		rc = vq_start(&q);
		if (rc != cases[i].want)
			printf("# %s: got %d\n", cases[i].why, rc);
		CHECK(rc == cases[i].want);
		CHECK(rc == 0 || vq_pop(&q, &c) == 0);
	}
}

static void a_stopped_queue_touches_memory(void)
{
	struct chain c;
	struct vq q;

	vq_reset(&q, &mem, SIZE);
	CHECK(vq_pop(&q, &c) == 0);
	CHECK(vq_must_signal(&q) == 0);
	CHECK(vq_listen(&q) == 0);
	vq_ignore(&q);
}

static void a_request_put_back_is_lost(void)
{
	struct vq q = world(SIZE);
	struct chain c;

	desc()[3] = (struct ring_desc){ DATA, 1, 0, 0 };
	offer(&q, 3);
	CHECK(vq_pop(&q, &c) == 1 && vq_pop(&q, &c) == 0);
	vq_unpop(&q);
	c.head = 0;
	CHECK(vq_pop(&q, &c) == 1 && c.head == 3);
}

/* --- suppression ---------------------------------------------------------------------------- */

/* By counting: is `event` one of the indices used from old on, up to but without new? */
static int reached(uint16_t event, uint16_t new, uint16_t old)
{
	for (uint16_t i = old; i != new; i++)
		if (i == event)
			return 1;
	return 0;
}

static void an_interrupt_is_lost_or_superfluous(void)
{
	static const struct {
		const char *why;
		uint16_t old, new, event;
	} cases[] = {
		{ "the one asked for", 5, 6, 5 },
		{ "the next one", 5, 6, 6 },
		{ "one long past", 5, 6, 4 },
		{ "first of several", 5, 9, 5 },
		{ "last of several", 5, 9, 8 },
		{ "behind several", 5, 9, 9 },
		{ "across the wrap, before it", 0xfffe, 2, 0xffff },
		{ "across the wrap, behind it", 0xfffe, 2, 1 },
		{ "across the wrap, not yet", 0xfffe, 2, 2 },
		{ "wraps to exactly 0", 0xffff, 0, 0xffff },
		{ "half the number space away", 10, 11, 0x800a },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vq q = world(SIZE);
		int want = reached(cases[i].event, cases[i].new, cases[i].old), got;

		q.event_idx = 1;
		q.signalled = cases[i].old;
		q.next_used = cases[i].new;
		avail()->ring[SIZE] = cases[i].event;
		got = vq_must_signal(&q);
		if (got != want)
			printf("# %s: got %d\n", cases[i].why, got);
		CHECK(got == want);
		CHECK(vq_must_signal(&q) == 0); /* nothing new since */
	}
}

static void flags_are_not_heeded(void)
{
	struct vq q = world(SIZE);
	struct chain c = { 0 };

	vq_push(&q, &c, 0);
	avail()->flags = AVAIL_NO_INTERRUPT;
	CHECK(vq_must_signal(&q) == 0);
	vq_push(&q, &c, 0);
	avail()->flags = 0;
	CHECK(vq_must_signal(&q) == 1);
	CHECK(vq_must_signal(&q) == 0);

	vq_ignore(&q);
	CHECK(used()->flags == USED_NO_NOTIFY);
	CHECK(vq_listen(&q) == 0 && used()->flags == 0);
	offer(&q, 0);
	CHECK(vq_listen(&q) == 1);
}

static void flags_are_used_though_events_were_negotiated(void)
{
	struct vq q = world(SIZE);
	struct chain c = { 0 };

	q.event_idx = 1;
	avail()->flags = AVAIL_NO_INTERRUPT; /* 2.7.7: must be ignored now */
	avail()->ring[SIZE] = 0;
	vq_push(&q, &c, 0);
	CHECK(vq_must_signal(&q) == 1);
	vq_ignore(&q);
	CHECK(used()->flags == 0);
}

/* A driver that goes round the number space, with batches of every size. */
static void go_round(int event_idx)
{
	struct vq q = world(SIZE);
	uint16_t *avail_event = (uint16_t *)(void *)&used()->ring[SIZE];
	uint32_t offered = 0, popped = 0;
	struct chain c;

	q.event_idx = event_idx;
	for (unsigned i = 0; i < SIZE; i++)
		desc()[i] = (struct ring_desc){ DATA + 16 * i, 16, W, 0 };
	while (popped < 3 * 65536) {
		unsigned batch = 1 + offered % SIZE;
		uint16_t before = q.next_used;

		CHECK(vq_listen(&q) == 0);
		CHECK(!event_idx || *avail_event == (uint16_t)offered);
		avail()->ring[SIZE] = (uint16_t)(before + batch - 1);
		for (unsigned i = 0; i < batch; i++)
			offer(&q, (uint16_t)(offered++ % SIZE));
		CHECK(vq_listen(&q) == 1);
		for (; vq_pop(&q, &c) == 1; popped++) {
			struct ring_used_elem *e = &used()->ring[popped % SIZE];

			CHECK(c.head == popped % SIZE);
			CHECK(!event_idx || !vq_must_signal(&q));
			vq_push(&q, &c, popped & 15);
			CHECK(e->id == c.head && e->len == (popped & 15));
			CHECK(used()->idx == (uint16_t)(popped + 1));
		}
		CHECK(popped == offered);
		CHECK(vq_must_signal(&q) == 1 && !vq_must_signal(&q));
		if (check.failed)
			return;
	}
}

static void indices_do_not_wrap(void)
{
	go_round(0);
	go_round(1);
}

/* --- chains --------------------------------------------------------------------------------- */

/* 0 1 2 | (empty) | 3 4 5 6 7 readable, then 10 bytes writable in three, one of them empty. */
static struct chain letters(uint8_t in[8], uint8_t out[10])
{
	memcpy(in, "abcdefgh", 8);
	memset(out, '.', 10);
	return (struct chain){
		.nread = 3,
		.nwrite = 3,
		.iov = { { in, 3 },
			 { NULL, 0 },
			 { in + 3, 5 },
			 { out, 1 },
			 { NULL, 0 },
			 { out + 1, 9 } },
	};
}

static void a_read_misses_bytes_or_takes_too_many(void)
{
	static const struct {
		size_t skip, len;
		const char *want;
	} cases[] = {
		{ 0, 8, "abcdefgh" },
		{ 0, 100, "abcdefgh" },
		{ 0, 0, "" },
		{ 0, 3, "abc" },
		{ 2, 2, "cd" },
		{ 3, 1, "d" },
		{ 3, 100, "defgh" },
		{ 7, 1, "h" },
		{ 8, 1, "" },
		{ 9, SIZE_MAX - 1, "" },
		{ SIZE_MAX, SIZE_MAX, "" },
	};
	uint8_t in[8], out[10], got[8];
	struct chain c = letters(in, out);

	CHECK(chain_readable(&c) == 8 && chain_writable(&c) == 10);
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = chain_read(&c, cases[i].skip, got, cases[i].len);

		CHECK(n == strlen(cases[i].want) && !memcmp(got, cases[i].want, n));
	}
}

static void a_write_misses_bytes_or_spills(void)
{
	uint8_t in[8], out[10];
	struct chain c = letters(in, out);

	CHECK(chain_write(&c, "0123456789xyz", 13) == 10 && !memcmp(out, "0123456789", 10));
	c = letters(in, out);
	CHECK(chain_write(&c, "01", 2) == 2 && !memcmp(out, "01........", 10));
	CHECK(chain_write(&c, "", 0) == 0);
	CHECK(!memcmp(in, "abcdefgh", 8));
	c.nwrite = 0;
	CHECK(chain_write(&c, "01", 2) == 0);
}

static void spans_are_cut_wrongly(void)
{
	struct iovec s[VQ_SEGS];
	uint8_t in[8], out[10];
	struct chain c = letters(in, out);

	CHECK(chain_writable_spans(&c, 0, SIZE_MAX, s) == 2);
	CHECK(s[0].iov_base == out && s[0].iov_len == 1);
	CHECK(s[1].iov_base == out + 1 && s[1].iov_len == 9);
	CHECK(chain_writable_spans(&c, 1, 3, s) == 1 && s[0].iov_base == out + 1);
	CHECK(s[0].iov_len == 3);
	CHECK(chain_writable_spans(&c, 10, 1, s) == 0);
	CHECK(chain_readable_spans(&c, 2, 2, s) == 2);
	CHECK(s[0].iov_base == in + 2 && s[0].iov_len == 1);
	CHECK(s[1].iov_base == in + 3 && s[1].iov_len == 1);
	CHECK(chain_readable_spans(&c, 0, 0, s) == 0);
}

int main(void)
{
	TEST(a_bad_chain_is_believed);
	TEST(an_odd_but_legal_chain_is_refused);
	TEST(an_unaligned_indirect_table_traps);
	TEST(the_longest_legal_chain_is_not_all_there);
	TEST(a_bad_index_is_believed);
	TEST(rings_out_of_place_are_started);
	TEST(a_stopped_queue_touches_memory);
	TEST(a_request_put_back_is_lost);
	TEST(an_interrupt_is_lost_or_superfluous);
	TEST(flags_are_not_heeded);
	TEST(flags_are_used_though_events_were_negotiated);
	TEST(indices_do_not_wrap);
	TEST(a_read_misses_bytes_or_takes_too_many);
	TEST(a_write_misses_bytes_or_spills);
	TEST(spans_are_cut_wrongly);
	return check_done();
}
