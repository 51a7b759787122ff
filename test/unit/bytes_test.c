/* Cursors: what is written is what is read, and the first mistake sticks. */
#include "base/bytes.h"
#include "base/util.h"
#include "check.h"

static void a_value_comes_back_changed(void)
{
	uint8_t mem[64];
	struct wr w = wr_init(mem, sizeof(mem));
	struct rd r;
	const uint8_t *blob;
	size_t len;

	wr_u8(&w, 0xfe);
	wr_be16(&w, 0x1234);
	wr_be32(&w, 0xdeadbeef);
	wr_be64(&w, 0x0123456789abcdef);
	wr_str(&w, "text");
	wr_blob(&w, "\0\1", 2);
	CHECK(!w.bad && mem[1] == 0x12 && mem[2] == 0x34);
	r = rd_init(mem, wr_len(&w, mem));
	CHECK(rd_u8(&r) == 0xfe);
	CHECK(rd_be16(&r) == 0x1234);
	CHECK(rd_be32(&r) == 0xdeadbeef);
	CHECK(rd_be64(&r) == 0x0123456789abcdef);
	CHECK(!rd_done(&r));
	CHECK(!strcmp(rd_str(&r), "text"));
	blob = rd_blob(&r, &len);
	CHECK(len == 2 && blob[0] == 0 && blob[1] == 1);
	CHECK(rd_done(&r));
}

static void a_bad_string_is_taken(void)
{
	static const struct {
		const char *why;
		uint8_t bytes[12];
		size_t len;
	} bad[] = {
		{ "no length", { 0, 0, 0 }, 3 },
		{ "an empty one has no NUL", { 0, 0, 0, 0 }, 4 },
		{ "longer than the rest", { 0, 0, 0, 3, 'a', 0 }, 6 },
		{ "4 GiB", { 0xff, 0xff, 0xff, 0xff, 'a', 0 }, 6 },
		{ "no NUL at the end", { 0, 0, 0, 2, 'a', 'b' }, 6 },
		{ "a NUL inside", { 0, 0, 0, 4, 'a', 0, 'b', 0 }, 8 },
		{ "two NULs", { 0, 0, 0, 2, 0, 0 }, 6 },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rd r = rd_init(bad[i].bytes, bad[i].len);
		const char *s = rd_str(&r);

		if (!r.bad)
			printf("# %s: got '%s'\n", bad[i].why, s);
		CHECK(r.bad && s[0] == '\0' && !rd_done(&r));
		CHECK(rd_u8(&r) == 0 && r.bad);
	}
}

static void a_write_beyond_the_room_writes(void)
{
	uint8_t mem[8] = { 0 };
	struct wr w = wr_init(mem, 6);

	wr_be32(&w, 1);
	wr_be32(&w, 0xffffffff);
	CHECK(w.bad && mem[4] == 0 && mem[5] == 0);
	wr_u8(&w, 0xff);
	CHECK(w.bad && mem[4] == 0);
	w = wr_init(mem, 6);
	wr_str(&w, "ab");
	CHECK(w.bad && mem[6] == 0);
}

int main(void)
{
	TEST(a_value_comes_back_changed);
	TEST(a_bad_string_is_taken);
	TEST(a_write_beyond_the_room_writes);
	return check_done();
}
