/*
 * rings - what no driver puts into a ring: that device stops (NEEDS_RESET), no other does, and after a reset it
 * works. Of the entropy device, and with nic= on the command line of a network card's transmitter, whose rings may
 * be the host kernel's to read (vhost-net).
 */
#include "bare.h"
#include "rng.h"

enum {
	NET_SLOT = 8,
	NET_TX = 1,
	NET_FRAME = 12 + 60, /* the header of virtio 1.2 section 5.1.6, and nothing for nobody */

	SECOND_US = 1000000,
	MOMENT_US = 2000,
};

struct rings {
	const char *what;
	struct virtio *dev;
	unsigned queues, q; /* how many there are, and the one that is tried */
	uint16_t flags;	    /* of its buffers */
	uint32_t len;
	uint8_t *buffer;
};

static uint64_t memory_end; /* of what lies below 4 GiB */

/* --- what is wrong; each may change the first descriptors, which make one good chain --- */

static void leaps(struct ring *r)
{
	r->avail.idx += VIRTIO_SIZE + 1;
}

static void no_head(struct ring *r)
{
	for (unsigned i = 0; i < VIRTIO_SIZE; i++)
		r->avail.ring[i] = VIRTIO_SIZE;
	r->avail.idx++;
}

static void chain(struct ring *r, uint16_t next)
{
	r->desc[1] = r->desc[0];
	r->desc[1].flags |= DESC_NEXT;
	r->desc[1].next = next;
	r->desc[0].flags |= DESC_NEXT;
	r->desc[0].next = 1;
}

static void circle(struct ring *r)
{
	chain(r, 0);
}

static void leads_out(struct ring *r)
{
	chain(r, VIRTIO_SIZE);
}

static void far_away(struct ring *r)
{
	r->desc[0].addr = 1ull << 45;
}

static void over_the_end(struct ring *r)
{
	r->desc[0].addr = memory_end - 8;
}

static void wraps(struct ring *r)
{
	r->desc[0].addr = UINT64_MAX - 7;
}

static void a_register(struct ring *r)
{
	r->desc[0].addr = GPA_LAPIC;
}

static void half_a_table(struct ring *r)
{
	r->desc[0].flags = DESC_INDIRECT;
	r->desc[0].len = 24;
}

static const struct {
	const char *what;
	void (*spoil)(struct ring *r);
} ways[] = {
	{ "an index that leaps", leaps },
	{ "a head of none", no_head },
	{ "a chain in a circle", circle },
	{ "one that leads out of its table", leads_out },
	{ "memory far away", far_away },
	{ "a buffer over the memory's end", over_the_end },
	{ "one that wraps", wraps },
	{ "one in a device's registers", a_register },
	{ "one and a half descriptors, indirect", half_a_table },
};

/* --- a try --- */

static void say_try(const struct rings *s, const char *what)
{
	say("# ");
	say(s->what);
	say(": ");
	say(what);
	say("\n");
}

static void good_chain(const struct rings *s)
{
	struct ring *r = &s->dev->ring[s->q];

	r->desc[0].addr = (uintptr_t)s->buffer;
	r->desc[0].len = s->len;
	r->desc[0].flags = s->flags;
	r->desc[0].next = 0;
}

static int works(const struct rings *s)
{
	good_chain(s);
	virtio_give(s->dev, s->q, 0);
	return virtio_came_back(s->dev, s->q, SECOND_US) && !(virtio_status(s->dev) & VIRTIO_NEEDS_RESET);
}

static int stops(const struct rings *s)
{
	for (uint64_t until = now_ns() + SECOND_US * 1000ull; now_ns() < until;)
		if (virtio_status(s->dev) & VIRTIO_NEEDS_RESET)
			return 1;
	return 0;
}

/* What was spoilt is good again, and nobody looks. */
static int stays_so(const struct rings *s)
{
	good_chain(s);
	s->dev->ring[s->q].avail.idx = s->dev->seen[s->q];
	virtio_give(s->dev, s->q, 0);
	return !virtio_came_back(s->dev, s->q, MOMENT_US);
}

static int survives(struct rng *rng)
{
	rng_ask(rng);
	return rng_answered(rng);
}

static void try_all(const struct rings *s, struct rng *other)
{
	int up = 1, stopped = 1, for_good = 1, alone = 1, again = 1;

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		up &= virtio_up(s->dev, s->queues) && works(s);
		good_chain(s);
		ways[i].spoil(&s->dev->ring[s->q]);
		virtio_give(s->dev, s->q, s->dev->ring[s->q].avail.ring[0]);
		stopped &= stops(s);
		for_good &= stays_so(s);
		alone &= !other || survives(other);
		again &= virtio_up(s->dev, s->queues) && works(s);
		if (!(up & stopped & for_good & alone & again)) {
			say_try(s, ways[i].what);
			break;
		}
	}
	check(up, "it works");
	check(stopped, "until a ring is broken");
	check(for_good, "and no more then");
	check(alone, "while others do");
	check(again, "and after a reset it works as before");
}

/* Where a queue that runs lies is nothing its driver may change. */
static void rings_stay(const struct rings *s)
{
	int up = virtio_up(s->dev, s->queues);

	virtio_place(s->dev, s->q, 1ull << 45);
	check(up && works(s), "rings stay where they were when they began to be used");
}

void bare_run(void)
{
	static struct rng rng;
	static struct virtio nic;
	static uint8_t frame[NET_FRAME] = { [12] = 0x02, [18] = 0x02, [24] = 0x88, [25] = 0xb5 };
	struct rings of_rng = { "the entropy device", &rng.dev, 1, 0, DESC_WRITE, RNG_BYTES, rng.bytes };
	struct rings of_nic = { "a network card", &nic, 2, NET_TX, 0, NET_FRAME, frame };

	memory_end = bare_number("mib", 256) << 20;
	check(rng_find(&rng), "the entropy device is there");
	try_all(&of_rng, NULL);
	rings_stay(&of_rng);
	if (!bare_number("nic", 0))
		return;
	check(virtio_find(&nic, NET_SLOT, 1), "a network card is there");
	check(rng_up(&rng), "and the entropy device beside it");
	/* The kernel reads rings of a device that has messages. They come and are not looked at. */
	for (unsigned v = 0; v < VIRTIO_VECTORS; v++)
		virtio_vector(&nic, v, VECTOR_FIRST, 0);
	virtio_msix(&nic, 1, 0);
	try_all(&of_nic, &rng);
	rings_stay(&of_nic);
}
