/* A guest's bytes on their way to a terminal, or into JSON. */
#include "base/util.h"
#include "check.h"
#include "host/text.h"

static void a_guest_drives_the_terminal(void)
{
	static const struct {
		const char *why, *in, *clean, *escaped;
	} cases[] = {
		{ "plain text", "hello", "hello", "hello" },
		{ "escape sequence", "\x1b[2J", "?[2J", "\\x1b[2J" },
		{ "newline and tab", "a\n\tb", "a??b", "a\n\tb" },
		{ "delete", "\x7f", "?", "\\x7f" },
		{ "two bytes", "\xc3\xa9", "\xc3\xa9", "\xc3\xa9" },
		{ "three bytes", "\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "four bytes", "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
		{ "C1 control in UTF-8", "\xc2\x9b", "??", "\\xc2\\x9b" },
		{ "C1 control as a byte", "\x9b", "?", "\\x9b" },
		{ "overlong slash", "\xc0\xaf", "??", "\\xc0\\xaf" },
		{ "overlong in three", "\xe0\x80\xaf", "???", "\\xe0\\x80\\xaf" },
		{ "surrogate", "\xed\xa0\x80", "???", "\\xed\\xa0\\x80" },
		{ "beyond Unicode", "\xf4\x90\x80\x80", "????", "\\xf4\\x90\\x80\\x80" },
		{ "cut sequence", "a\xe2\x82", "a??", "a\\xe2\\x82" },
	};
	char out[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].in);

		printf("# %s\n", cases[i].why);
		CHECK(!strcmp(text_clean(out, sizeof(out), cases[i].in, len), cases[i].clean));
		CHECK(text_escape(out, sizeof(out), cases[i].in, len) == strlen(cases[i].escaped));
		CHECK(!strcmp(out, cases[i].escaped));
	}
}

static void a_long_text_overruns_its_room(void)
{
	char in[300], out[40];

	memset(in, 0x1b, sizeof(in));
	for (size_t cap = 1; cap < sizeof(out); cap++) {
		memset(out, 'x', sizeof(out));
		CHECK(strlen(text_clean(out, cap, in, sizeof(in))) == cap - 1);
		CHECK(text_escape(out, cap, in, sizeof(in)) < cap);
		CHECK(strlen(out) % 4 == 0);
		CHECK(out[cap] == 'x');
	}
}

static void a_sequence_is_cut_in_two(void)
{
	char out[6];

	CHECK(!strcmp(text_clean(out, 6, "abc\xe2\x82\xac", 6), "abc"));
}

static void sizes_and_times_cannot_be_read(void)
{
	char out[TEXT_UNIT_ROOM];

	CHECK(!strcmp(text_size(out, 512ull << 20), "512 MiB"));
	CHECK(!strcmp(text_size(out, 1536ull << 20), "1.5 GiB"));
	CHECK(!strcmp(text_duration(out, 7999), "7s"));
	CHECK(!strcmp(text_duration(out, 61000), "1m01s"));
	CHECK(!strcmp(text_duration(out, 8040000), "2h14m"));
}

int main(void)
{
	TEST(a_guest_drives_the_terminal);
	TEST(a_long_text_overruns_its_room);
	TEST(a_sequence_is_cut_in_two);
	TEST(sizes_and_times_cannot_be_read);
	return check_done();
}
