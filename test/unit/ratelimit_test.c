/* Token buckets under a clock of ours. */
#include "check.h"
#include "virtio/ratelimit.h"

/* What gets through in so many milliseconds, asked as a device would: again when it is told to. */
static uint64_t run(struct ratelimit *r, uint64_t size, int64_t *now, int64_t ms)
{
	int64_t end = *now + ms;
	uint64_t ops = 0;

	while (*now < end) {
		unsigned wait = ratelimit_wait(r, *now);

		if (wait == 0) {
			ratelimit_spend(r, size);
			ops++;
		}
		*now += wait;
	}
	*now = end;
	return ops;
}

static int near(uint64_t got, uint64_t want)
{
	return got + want / 50 >= want && got <= want + want / 50 + 1;
}

static void a_rate_does_not_hold(void)
{
	static const struct {
		const char *why;
		uint64_t bytes, ops, size, seconds, want; /* requests, with the tenth at once */
	} cases[] = {
		{ "bytes", 1000000, 0, 1000, 10, 10100 },
		{ "operations", 0, 500, 65536, 10, 5050 },
		{ "the narrower of two: bytes", 1000000, 5000, 1000, 10, 10100 },
		{ "the narrower of two: operations", 1000000, 100, 1000, 10, 1010 },
		{ "requests larger than the bucket", 100000, 0, 65536, 100, 153 },
		{ "one byte a second", 1, 0, 1, 100, 100 },
		{ "more than a millisecond's worth each", 1000, 0, 50, 100, 2002 },
		{ "a fast one", 10000000000, 0, 65536, 1, 167847 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ratelimit r;
		int64_t now = 12345;
		uint64_t got;

		ratelimit_init(&r, cases[i].bytes, cases[i].ops, now);
		got = run(&r, cases[i].size, &now, (int64_t)cases[i].seconds * 1000);
		if (!near(got, cases[i].want))
			printf("# %s: %ju of %ju\n", cases[i].why, (uintmax_t)got, (uintmax_t)cases[i].want);
		CHECK(near(got, cases[i].want));
	}
}

static void no_rate_is_one(void)
{
	struct ratelimit r;

	ratelimit_init(&r, 0, 0, 0);
	for (int i = 0; i < 100000; i++) {
		CHECK(ratelimit_wait(&r, 0) == 0);
		ratelimit_spend(&r, UINT64_MAX / 2000);
	}
}

/* Years of it would be a flood, or an overflow. */
static void idleness_is_saved_up(void)
{
	struct ratelimit r;
	int64_t now = 0;

	ratelimit_init(&r, 1ull << 60, 1000, now);
	ratelimit_spend(&r, 65536);
	now = 100ll * 365 * 86400 * 1000;
	CHECK(ratelimit_wait(&r, now) == 0);
	CHECK(run(&r, 1, &now, 1) == 100);
}

static void a_clock_that_goes_back_gives_or_takes(void)
{
	struct ratelimit r;

	ratelimit_init(&r, 0, 1000, 5000);
	for (int i = 0; i < 100; i++)
		ratelimit_spend(&r, 0);
	CHECK(ratelimit_wait(&r, 5000) == 1);
	CHECK(ratelimit_wait(&r, 1000) == 1);
	CHECK(ratelimit_wait(&r, 5000) == 1);
	CHECK(ratelimit_wait(&r, 5001) == 0);
}

/* Whoever waits looks again after a second, however long it takes. */
static void a_large_debt_is_slept_through(void)
{
	struct ratelimit r;

	ratelimit_init(&r, 1, 0, 0);
	ratelimit_spend(&r, 65536);
	CHECK(ratelimit_wait(&r, 0) == 1000);
	CHECK(ratelimit_wait(&r, 60000 * 1000) > 0);
	CHECK(ratelimit_wait(&r, 65537 * 1000) == 0);
}

int main(void)
{
	TEST(a_rate_does_not_hold);
	TEST(no_rate_is_one);
	TEST(idleness_is_saved_up);
	TEST(a_clock_that_goes_back_gives_or_takes);
	TEST(a_large_debt_is_slept_through);
	return check_done();
}
