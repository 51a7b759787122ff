/* A disk's overlay: what is written stays, wherever the power fails, and the base is left alone. */
#include "check.h"

#define INVARIANT(expr) CHECK(expr)
#include "overlay_world.h"

static uint8_t is[OW_SECTORS];

static void a_part_of_a_block_takes_the_rest_with_it(void)
{
	static const struct {
		const char *why;
		unsigned sector, count;
	} cases[] = {
		{ "one sector in the middle of a block", 3, 1 },
		{ "the end of one and the beginning of the next", 7, 2 },
		{ "a whole one", 8, 8 },
		{ "a whole one and parts at both ends", 15, 12 },
		{ "the last sector, in a block cut short", OW_SECTORS - 1, 1 },
		{ "all of it", 0, OW_SECTORS },
	};

	for (size_t n = 0; n < COUNT(cases); n++) {
		printf("# %s\n", cases[n].why);
		ow_begin();
		CHECK(ow_write(cases[n].sector, cases[n].count) == 0);
		ow_check(is);
		for (unsigned i = 0; i < OW_SECTORS; i++) {
			int within = i >= cases[n].sector && i < cases[n].sector + cases[n].count;

			CHECK(is[i] == (within ? 1 : ow_base_letter(i)));
		}
		ow_end();
	}
}

static void what_was_flushed_is_gone(void)
{
	for (int power = 0; power < 2; power++) {
		ow_begin();
		CHECK(ow_write(5, 20) == 0 && ow_zero(30, 3) == 0 && ow_flush() == 0);
		ow_die(power, 1);
		ow_check(is);
		CHECK(is[4] == ow_base_letter(4) && is[5] == 1 && is[24] == 1 && is[30] == 0);
		ow_end();
	}
}

/* Of what no flush covered each sector is old or new. With these seeds each way is met. */
static void a_power_cut_shows_what_was_never_there(void)
{
	for (uint32_t seed = 0; seed < 400 && !check.failed; seed++) {
		uint32_t r = seed;

		ow_begin();
		for (unsigned step = 0; step < 24; step++) {
			unsigned sector = ow_random(&r) >> 8;
			unsigned count = 1 + (ow_random(&r) >> 8) % 20;
			unsigned what = (ow_random(&r) >> 8) % 8;

			sector %= OW_SECTORS - 20;
			if (what < 4)
				CHECK(ow_write(sector, count) == 0);
			else if (what == 4)
				CHECK(ow_zero(sector, count) == 0);
			else if (what == 5)
				CHECK(ow_flush() == 0);
			else if (what == 6)
				ow_die(0, 0);
			else
				ow_die(1, ow_random(&r));
		}
		ow_check(is);
		ow_end();
	}
}

static void a_write_through_waits_for_a_flush(void)
{
	uint8_t bytes[DISK_SECTOR];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct disk_job j = { .op = DISK_WRITE, .through = 1, .len = DISK_SECTOR, .iov = &iov, .nspans = 1 };

	ow_begin();
	memset(bytes, 77, sizeof(bytes));
	CHECK(overlay_do(&ow.o, &j) == 0);
	ow_only(0, 77);
	ow_die(1, 3);
	ow_end();
}

static void a_full_host_loses_something_else(void)
{
	ow_begin();
	CHECK(ow_write(0, 8) == 0 && ow_flush() == 0);
	for (unsigned fail = 1; fail < 3; fail++) {
		ow.fail_writes = 1;
		CHECK(ow_write(9, 2) == -ENOSPC);
		ow_check(is);
		CHECK(is[0] == 1 && is[8] == ow_base_letter(8));
	}
	ow.fail_writes = 0;
	CHECK(ow_write(9, 2) == 0 && ow_flush() == 0);
	ow_end();
}

/* After it nobody knows what the medium has: the kernel says it once, and forgets. */
static void a_sync_that_failed_is_forgotten(void)
{
	ow_begin();
	CHECK(ow_write(0, 8) == 0);
	ow.fail_syncs = 1;
	CHECK(ow_flush() == -EIO && ow_flush() == -EIO);
	ow_check(is); /* it is still read */
	ow_end();
}

static void a_flush_of_nothing_new_costs_two_syncs(void)
{
	ow_begin();
	CHECK(ow_write(0, 1) == 0);
	ow.syncs = 0;
	CHECK(ow_flush() == 0 && ow.syncs == 2); /* the blocks, then their bits */
	CHECK(ow_write(1, 1) == 0);
	ow.syncs = 0;
	CHECK(ow_flush() == 0 && ow.syncs == 1); /* no new block */
	ow_end();
}

static void room_is_not_given_back_or_too_much_is(void)
{
	ow_begin();
	CHECK(ow_write(0, 32) == 0 && ow_flush() == 0);
	CHECK(ow_free(8, 16) == 0);
	ow_check(is);
	CHECK(is[7] == 1 && is[8] == 0 && is[23] == 0 && is[24] == 1);
	CHECK(ow_free(40, 8) == 0); /* the base's: stays */
	ow_end();
}

static void what_is_no_overlay_of_this_disk_is_taken(void)
{
	static const struct {
		const char *why;
		unsigned at, len;
		uint64_t value;
		int want;
	} bad[] = {
		{ "no overlay", 0, 8, 0, -EPROTO },
		{ "another version", 7, 1, '2', -EPROTO },
		{ "no state there is", 8, 8, 3, -EPROTO },
		{ "a commit was cut short", 8, 8, OVERLAY_COMMITTING, -EBUSY },
		{ "another disk's", 16, 8, OW_BYTES + DISK_SECTOR, -EPROTO },
		{ "no whole sectors", 16, 8, OW_BYTES + 1, -EPROTO },
		{ "a size that wraps around", 16, 8, UINT64_MAX & ~511ull, -EPROTO },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		ow_begin();
		overlay_close(&ow.o);
		CHECK(syscall(SYS_pwrite64, ow.delta, &bad[i].value, (long)bad[i].len,
			      (long)bad[i].at) == bad[i].len);
		if (ow_open() != bad[i].want)
			printf("# %s\n", bad[i].why);
		CHECK(ow_open() == bad[i].want);
		ow_end();
	}
	ow_begin();
	overlay_close(&ow.o);
	CHECK(ftruncate(ow.delta, (off_t)overlay_file_bytes(OW_BYTES) - 1) == 0);
	CHECK(ow_open() == -EIO);
	CHECK(ftruncate(ow.delta, 5000) == 0 && ow_open() == -EIO);
	CHECK(ftruncate(ow.delta, 10) == 0 && ow_open() == -EIO);
	ow_end();
}

static void a_file_cut_under_it_grows_again(void)
{
	off_t cut = (off_t)overlay_data_at(OW_BYTES) + 4096;

	ow_begin();
	CHECK(ow_write(0, 16) == 0 && ow_flush() == 0);
	CHECK(ftruncate(ow.delta, cut) == 0);
	CHECK(ow_write(32, 8) == -EIO && ow_job(DISK_FLUSH, 0, 1, NULL) == -EIO);
	CHECK(lseek(ow.delta, 0, SEEK_END) == cut);
	ow_end();
}

int main(void)
{
	TEST(a_part_of_a_block_takes_the_rest_with_it);
	TEST(what_was_flushed_is_gone);
	TEST(a_power_cut_shows_what_was_never_there);
	TEST(a_write_through_waits_for_a_flush);
	TEST(a_full_host_loses_something_else);
	TEST(a_sync_that_failed_is_forgotten);
	TEST(a_flush_of_nothing_new_costs_two_syncs);
	TEST(room_is_not_given_back_or_too_much_is);
	TEST(what_is_no_overlay_of_this_disk_is_taken);
	TEST(a_file_cut_under_it_grows_again);
	return check_done();
}
