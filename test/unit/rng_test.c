/* The entropy device under drivers good and bad. */
#include "check.h"
#include "rng_world.h"

static int is_filled(uint32_t at, size_t len)
{
	size_t zeroes = 0;

	for (size_t i = 0; i < len; i++)
		zeroes += rng_ram[at + i] == 0;
	return zeroes < len / 8; /* of random bytes a 256th is */
}

static int is_untouched(uint32_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (rng_ram[at + i] != 0)
			return 0;
	return 1;
}

static void buffer(uint16_t at, uint32_t gpa, uint32_t len, uint16_t flags)
{
	rng_ring.desc[at] = (struct ring_desc){ gpa, len, flags, (uint16_t)(at + 1) };
}

static void a_buffer_is_not_filled_or_more_than_it(void)
{
	rng_begin(VDEV_F_VERSION_1);
	buffer(0, RNG_DATA_AT, 100, DESC_WRITE | DESC_NEXT);
	buffer(1, RNG_DATA_AT + 200, 64, DESC_WRITE);
	ring_offer(&rng_ring, 0);
	vdev_notify(&rng.dev, 0);
	CHECK(rng_ring.used->idx == 1 && rng_ring.used->ring[0].id == 0 && rng_ring.used->ring[0].len == 164);
	CHECK(is_filled(RNG_DATA_AT, 100) && is_filled(RNG_DATA_AT + 200, 64));
	CHECK(is_untouched(RNG_DATA_AT + 100, 100) && is_untouched(RNG_DATA_AT + 264, 100));
}

static void two_buffers_get_the_same(void)
{
	rng_begin(VDEV_F_VERSION_1);
	buffer(0, RNG_DATA_AT, 64, DESC_WRITE);
	buffer(1, RNG_DATA_AT + 64, 64, DESC_WRITE);
	ring_offer(&rng_ring, 0);
	ring_offer(&rng_ring, 1);
	vdev_notify(&rng.dev, 0);
	CHECK(rng_ring.used->idx == 2);
	CHECK(memcmp(rng_ram + RNG_DATA_AT, rng_ram + RNG_DATA_AT + 64, 64) != 0);
}

/* A guest that asks for gigabytes gets little of them, and others have their turn. */
static void a_greedy_guest_holds_the_loop_up(void)
{
	rng_begin(VDEV_F_VERSION_1 | VDEV_F_EVENT_IDX);
	buffer(0, RNG_DATA_AT, 3 * RNG_MOST, DESC_WRITE);
	for (unsigned i = 0; i < RNG_QUEUE; i++)
		ring_offer(&rng_ring, 0);
	vdev_notify(&rng.dev, 0);
	CHECK(rng_ring.used->idx == 1 && rng_ring.used->ring[0].len == RNG_MOST && driver_again == 1);
	CHECK(is_filled(RNG_DATA_AT, RNG_MOST));
	CHECK(is_untouched(RNG_DATA_AT + RNG_MOST, RNG_MOST));
	for (unsigned turns = 1; turns < RNG_QUEUE; turns++) {
		CHECK(rng_ring.used->idx == turns);
		vdev_notify(&rng.dev, 0);
	}
	CHECK(rng_ring.used->idx == RNG_QUEUE);
}

static void a_request_that_is_none_is_answered(void)
{
	static const struct {
		const char *why;
		uint32_t len;
		uint16_t flags;
	} cases[] = {
		{ "it is to be read", 64, 0 },
		{ "it has no room", 0, DESC_WRITE },
		{ "it is to be read and then filled", 64, DESC_NEXT },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s\n", cases[i].why);
		rng_begin(VDEV_F_VERSION_1);
		buffer(0, RNG_DATA_AT, cases[i].len, cases[i].flags);
		buffer(1, RNG_DATA_AT + 64, 64, DESC_WRITE);
		ring_offer(&rng_ring, 0);
		vdev_notify(&rng.dev, 0);
		CHECK(rng_ring.used->idx == 0 && (rng.dev.status & VDEV_NEEDS_RESET));
		CHECK(is_untouched(RNG_DATA_AT, 128));
	}
}

int main(void)
{
	TEST(a_buffer_is_not_filled_or_more_than_it);
	TEST(two_buffers_get_the_same);
	TEST(a_greedy_guest_holds_the_loop_up);
	TEST(a_request_that_is_none_is_answered);
	return check_done();
}
