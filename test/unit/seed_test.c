/* What a guest is given of chance lies where it looks, and no two guests get the same. */
#include "vmm/seed.h"

#include <asm/bootparam.h>
#include <errno.h>

#include "check.h"
#include "vmm/layout.h"

enum { RAM = 0x100000 };

static uint8_t ram[RAM], before[RAM];
static const struct gmem mem = { .region = { { 0, RAM, ram } } };

static void the_kernel_does_not_take_the_seed(void)
{
	const struct setup_data *seed = (const void *)(ram + GPA_SETUP_DATA);

	memset(ram, 0, sizeof(ram));
	CHECK(seed_write(&mem) == 0);
	/* Documentation/arch/x86/boot.rst: a list, of which this is the last. */
	CHECK(seed->next == 0 && seed->type == 9 && seed->len == SEED_BYTES);
	CHECK(memcmp(seed->data, (uint8_t[SEED_BYTES]){ 0 }, SEED_BYTES) != 0);
}

static void two_lives_are_told_the_same(void)
{
	CHECK(seed_write(&mem) == 0);
	memcpy(before, ram, sizeof(ram));
	CHECK(seed_write(&mem) == 0);
	CHECK(memcmp(before + GPA_SETUP_DATA, ram + GPA_SETUP_DATA, 16 + SEED_BYTES) != 0);
	CHECK(memcmp(before + GPA_GENERATION, ram + GPA_GENERATION, GENERATION_BYTES) != 0);
}

static void something_else_is_written_over(void)
{
	memset(ram, 0xdd, sizeof(ram));
	CHECK(seed_write(&mem) == 0);
	for (size_t at = 0; at < RAM; at++)
		if (ram[at] != 0xdd)
			CHECK((at >= GPA_SETUP_DATA && at < GPA_PAGE_TABLES) ||
			      (at >= GPA_GENERATION && at < GPA_GENERATION + GENERATION_BYTES));
	/* Not the guest's to use: neither RAM of its memory map, nor among the tables. */
	CHECK(GPA_GENERATION >= GPA_LOW_END && GPA_GENERATION + GENERATION_BYTES <= GPA_ACPI);
}

static void a_guest_without_that_memory_is_written_to(void)
{
	static const struct gmem tiny = { .region = { { 0, GPA_SETUP_DATA + 40, ram } } };

	CHECK(seed_write(&tiny) == -ENOMEM);
}

int main(void)
{
	TEST(the_kernel_does_not_take_the_seed);
	TEST(two_lives_are_told_the_same);
	TEST(something_else_is_written_over);
	TEST(a_guest_without_that_memory_is_written_to);
	return check_done();
}
