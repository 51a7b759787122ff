/* What people type: taken when it is right, refused with a remedy when it is not. */
#include "base/parse.h"
#include "base/util.h"
#include "check.h"

static void a_size_is_misread(void)
{
	static const struct {
		const char *why, *text;
		uint64_t bytes; /* 0: refused */
	} cases[] = {
		{ "mebibytes", "512M", 512ull << 20 },
		{ "spelt out", "2GiB", 2ull << 30 },
		{ "thousands", "3kB", 3000 },
		{ "the largest", "16777215T", 16777215ull << 40 },
		{ "no unit", "512", 0 },
		{ "nothing", "", 0 },
		{ "negative", "-1M", 0 },
		{ "a plus", "+1M", 0 },
		{ "a blank first", " 1M", 0 },
		{ "a blank between", "1 M", 0 },
		{ "a fraction", "1.5G", 0 },
		{ "unknown unit", "1Q", 0 },
		{ "unit and more", "1Mx", 0 },
		{ "beyond 64 bits", "16777216T", 0 },
		{ "digits beyond 64 bits", "99999999999999999999M", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		uint64_t bytes = 0;
		int rc = parse_size(&bytes, "--memory", cases[i].text, &e);

		if ((rc == 0) != (cases[i].bytes != 0) || bytes != cases[i].bytes)
			printf("# %s: %d %llu\n", cases[i].why, rc, (unsigned long long)bytes);
		CHECK((rc == 0) == (cases[i].bytes != 0) && bytes == cases[i].bytes);
		CHECK(rc == 0 || (e.exit == 2 && strstr(e.text, "--memory")));
	}
}

static void a_time_is_misread(void)
{
	static const struct {
		const char *why, *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "bare seconds", "30", 30000 },
		{ "milliseconds", "500ms", 500 },
		{ "minutes", "5m", 300000 },
		{ "compound", "1h30m", 5400000 },
		{ "zero", "0", 0 },
		{ "nothing", "", -1 },
		{ "unit alone", "s", -1 },
		{ "bare after compound", "1h30", -1 },
		{ "negative", "-1s", -1 },
		{ "the most hours", "596h", 2145600000 },
		{ "an hour more", "597h", -1 },
		{ "beyond 64 bits", "99999999999999999999", -1 },
		{ "a fraction", "1.5s", -1 },
		{ "a blank", "1 s", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		uint32_t ms = 0;
		int rc = parse_time(&ms, "--timeout", cases[i].text, &e);
		int64_t got = rc == 0 ? (int64_t)ms : -1;

		if (got != cases[i].ms)
			printf("# %s: %lld\n", cases[i].why, (long long)got);
		CHECK(got == cases[i].ms);
	}
}

static void a_number_is_misread(void)
{
	static const struct {
		const char *why, *text;
		int ok;
	} cases[] = {
		{ "the least", "1", 1 },      { "the most", "64", 1 },
		{ "below", "0", 0 },	      { "above", "65", 0 },
		{ "nothing", "", 0 },	      { "hex", "0x2", 0 },
		{ "a letter", "4x", 0 },      { "negative", "-4", 0 },
		{ "wraps", "4294967297", 0 }, { "leading zeros", "007", 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		uint32_t v = 0;
		int ok = parse_u32(&v, "--cpus", cases[i].text, 1, 64, &e) == 0;

		if (ok != cases[i].ok)
			printf("# %s\n", cases[i].why);
		CHECK(ok == cases[i].ok);
	}
}

static void a_bad_name_reaches_the_disk(void)
{
	static const struct {
		const char *why, *text;
		int ok;
	} cases[] = {
		{ "plain", "web", 1 },
		{ "digits and hyphens", "a-1-b", 1 },
		{ "63 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  1 },
		{ "64 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  0 },
		{ "nothing", "", 0 },
		{ "upwards", "..", 0 },
		{ "a path", "a/b", 0 },
		{ "capitals", "Web", 0 },
		{ "hyphen first", "-a", 0 },
		{ "hyphen last", "a-", 0 },
		{ "a newline", "a\n", 0 },
		{ "beyond ASCII", "caf\xc3\xa9", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		int ok = parse_name(cases[i].text, &e) == 0;

		if (ok != cases[i].ok)
			printf("# %s\n", cases[i].why);
		CHECK(ok == cases[i].ok && (ok || e.exit == 2));
	}
}

int main(void)
{
	TEST(a_size_is_misread);
	TEST(a_time_is_misread);
	TEST(a_number_is_misread);
	TEST(a_bad_name_reaches_the_disk);
	return check_done();
}
