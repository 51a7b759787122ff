/* The memory balloon under drivers good and bad: what is given up is the host's, and nothing else. */
#include <stdlib.h>

#include "balloon_world.h"
#include "check.h"

enum { INFLATE, DEFLATE, REPORTS, QUEUES = 5, LIST_AT = BW_PAGE };

static int all_are(uint32_t gpa, size_t len, uint8_t value)
{
	const uint8_t *at = gmem_span(&bw_mem, gpa, len);

	for (size_t i = 0; i < len; i++)
		if (at[i] != value)
			return 0;
	return 1;
}

static int is_gone(uint32_t page)
{
	return all_are(page * BW_PAGE, BW_PAGE, 0);
}

static int is_there(uint32_t page)
{
	return all_are(page * BW_PAGE, BW_PAGE, BW_FULL);
}

static void buffer(uint16_t at, uint64_t gpa, uint32_t len, uint16_t flags)
{
	bw_ring.desc[at] = (struct ring_desc){ gpa, len, flags, (uint16_t)(at + 1) };
}

/* A request with these page numbers, in the page behind the ring. */
static void give_up(const uint32_t *pfn, size_t n)
{
	memcpy(bw_low + LIST_AT, pfn, n * sizeof(*pfn));
	buffer(0, LIST_AT, (uint32_t)(n * sizeof(*pfn)), 0);
	ring_offer(&bw_ring, 0);
	vdev_notify(&bw.dev, INFLATE);
}

static void what_is_given_up_stays_or_takes_others_along(void)
{
	static const struct {
		const char *why;
		uint32_t pfn[4];
	} cases[] = {
		{ "one after the other", { 3, 4, 5, 6 } },
		{ "one before the other", { 6, 5, 4, 3 } },
		{ "from the middle", { 4, 5, 3, 6 } },
		{ "here and there", { 3, 6, 4, 5 } },
		{ "some twice", { 3, 4, 5, 6 } },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s\n", cases[i].why);
		bw_begin(INFLATE);
		give_up(cases[i].pfn, 4);
		CHECK(bw_ring.used->idx == 1 && bw_ring.used->ring[0].len == 0);
		for (uint32_t page = 3; page <= 6; page++)
			CHECK(is_gone(page));
		CHECK(is_there(2) && is_there(7) && bw.returned == 4 * BW_PAGE);
	}
	bw_begin(INFLATE);
	give_up((const uint32_t[]){ 31, 64, 67 }, 3);
	CHECK(is_gone(31) && is_gone(64) && is_there(65) && is_gone(67));
}

static void a_page_that_is_none_of_the_guests_is_given_up(void)
{
	static const uint32_t bad[] = { 32, 63, 68, 1 << 20, UINT32_MAX };

	for (size_t i = 0; i < COUNT(bad); i++) {
		bw_begin(INFLATE);
		give_up((const uint32_t[]){ 9, bad[i], 11 }, 3);
		CHECK(bw_ring.used->idx == 1 && bw.returned == 2 * BW_PAGE);
		CHECK(is_gone(9) && is_there(10) && is_gone(11));
	}
	/* The highest number there is has no neighbour 0. */
	bw_begin(INFLATE);
	give_up((const uint32_t[]){ UINT32_MAX, 0 }, 2);
	CHECK(bw.returned <= BW_PAGE);
}

static void a_report_takes_more_than_whole_pages(void)
{
	for (unsigned queue = REPORTS; queue < QUEUES; queue++) {
		bw_begin(queue);
		buffer(0, 3 * BW_PAGE, 2 * BW_PAGE, DESC_WRITE | DESC_NEXT);
		buffer(1, 7 * BW_PAGE + 1, 2 * BW_PAGE, DESC_WRITE | DESC_NEXT); /* one of them whole */
		buffer(2, 10 * BW_PAGE + 100, BW_PAGE / 2, DESC_WRITE | DESC_NEXT);
		buffer(3, BW_HIGH_AT, BW_HIGH, DESC_WRITE);
		ring_offer(&bw_ring, 0);
		vdev_notify(&bw.dev, queue);
		CHECK(bw_ring.used->idx == 1 && bw_ring.used->ring[0].len == 0);
		CHECK(is_there(2) && is_gone(3) && is_gone(4) && is_there(5));
		CHECK(is_there(7) && is_gone(8) && is_there(9) && is_there(10));
		CHECK(is_gone(64) && is_gone(67) && bw.returned == 7 * BW_PAGE);
	}
}

static void memory_is_not_there_when_it_is_taken_back(void)
{
	bw_begin(DEFLATE);
	memcpy(bw_low + LIST_AT, (const uint32_t[]){ 4 }, 4);
	buffer(0, LIST_AT, 4, 0);
	ring_offer(&bw_ring, 0);
	vdev_notify(&bw.dev, DEFLATE);
	CHECK(bw_ring.used->idx == 1 && is_there(4));
}

/* Each of them may be about much: the others' turn comes in between. */
static void a_guest_that_gives_up_much_holds_the_loop_up(void)
{
	bw_begin(REPORTS);
	buffer(0, 3 * BW_PAGE, BW_PAGE, DESC_WRITE);
	for (unsigned i = 0; i < 3; i++)
		ring_offer(&bw_ring, 0);
	for (unsigned turns = 1; turns <= 3; turns++) {
		vdev_notify(&bw.dev, REPORTS);
		CHECK(bw_ring.used->idx == turns && driver_again == turns);
	}
	vdev_notify(&bw.dev, REPORTS);
	CHECK(bw_ring.used->idx == 3 && driver_again == 3);
}

static void a_request_that_is_none_is_answered(void)
{
	static const struct {
		const char *why;
		unsigned queue;
		uint32_t len;
		uint16_t flags;
	} cases[] = {
		{ "page numbers to be filled", INFLATE, 8, DESC_WRITE },
		{ "half a page number", INFLATE, 6, 0 },
		{ "no page numbers", INFLATE, 0, 0 },
		{ "more than anybody has", INFLATE, 4 * BALLOON_PFNS_MAX + 4, 0 },
		{ "to be read and filled", INFLATE, 8, DESC_NEXT },
		{ "a deflate to be filled", DEFLATE, 8, DESC_WRITE },
		{ "a report to be read", REPORTS, BW_PAGE, 0 },
		{ "a report beyond memory", REPORTS, BW_LOW, DESC_WRITE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s\n", cases[i].why);
		bw_begin(cases[i].queue);
		buffer(0, 4 * BW_PAGE, cases[i].len, cases[i].flags);
		buffer(1, 2 * BW_PAGE, 64, DESC_WRITE);
		ring_offer(&bw_ring, 0);
		vdev_notify(&bw.dev, cases[i].queue);
		CHECK(bw_ring.used->idx == 0 && (bw.dev.status & VDEV_NEEDS_RESET));
		CHECK(bw.returned == 0 && is_there(4));
	}
}

static void the_guest_is_not_told_how_much_it_is_to_give_up(void)
{
	uint32_t wanted;

	balloon_init(&bw, &bw_mem, 64 << 20);
	memcpy(&wanted, bw.dev.config, sizeof(wanted));
	CHECK(wanted == (64 << 20) / BW_PAGE && bw.dev.config_len == 8);
	CHECK((vdev_features(&bw.dev) & 0xff) == (1 << 2 | 1 << 5));
}

int main(void)
{
	TEST(what_is_given_up_stays_or_takes_others_along);
	TEST(a_page_that_is_none_of_the_guests_is_given_up);
	TEST(a_report_takes_more_than_whole_pages);
	TEST(memory_is_not_there_when_it_is_taken_back);
	TEST(a_guest_that_gives_up_much_holds_the_loop_up);
	TEST(a_request_that_is_none_is_answered);
	TEST(the_guest_is_not_told_how_much_it_is_to_give_up);
	return check_done();
}
