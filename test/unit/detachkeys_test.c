/*
 * The keys that leave a terminal: how they are written, and that they are found, and only they.
 */
#include "base/util.h"
#include "check.h"
#include "host/detachkeys.h"

static void a_notation_is_misread(void)
{
	static const struct {
		const char *why, *text, *keys; /* NULL: refused */
	} cases[] = {
		{ "the default", DETACHKEYS_DEFAULT, "\x10\x11" },
		{ "one letter", "x", "x" },
		{ "letters and control", "ctrl-a,d",
		  "\x01"
		  "d" },
		{ "capitals are the same key", "ctrl-A", "\x01" },
		{ "three times", "ctrl-],ctrl-],ctrl-]", "\x1d\x1d\x1d" },
		{ "the odd ones", "ctrl-[,ctrl-\\,ctrl-^,ctrl-_", "\x1b\x1c\x1e\x1f" },
		{ "a comma is a key", ",,a", ",a" },
		{ "none", "none", "" },
		{ "nothing", "", "" },
		{ "sixteen", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", "abcdefghijklmnop" },
		{ "seventeen", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", NULL },
		{ "two letters", "ab", NULL },
		{ "a comma too many", "ctrl-p,", NULL },
		{ "no such control", "ctrl-1", NULL },
		{ "control of nothing", "ctrl-", NULL },
		{ "a control byte itself", "\x10", NULL },
		{ "beyond ASCII", "\xc3", NULL },
		{ "no comma behind a comma", ",a", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct detachkeys k;
		struct err e = ERR_NONE;
		int rc = detachkeys_parse(&k, cases[i].text, &e), good;

		if (cases[i].keys)
			good = rc == 0 && k.count == strlen(cases[i].keys) &&
			       !memcmp(k.keys, cases[i].keys, k.count);
		else
			good = rc < 0 && e.exit == 2 && strstr(e.text, "--detach-keys");
		if (!good)
			printf("# %s: %d %s\n", cases[i].why, rc, e.text);
		CHECK(good);
	}
}

/* In pieces of every size: where a read ends must not matter. */
static void keys_are_missed_or_swallowed(void)
{
	static const struct {
		const char *why, *keys, *typed, *passed;
		int is_found;
	} cases[] = {
		{ "alone", "ctrl-p,ctrl-q", "\x10\x11", "\x10", 1 },
		{ "behind text", "ctrl-p,ctrl-q", "ab\x10\x11xx", "ab\x10", 1 },
		{ "only the first", "ctrl-p,ctrl-q", "\x10zz", "\x10zz", 0 },
		{ "something between", "ctrl-p,ctrl-q", "\x10z\x11", "\x10z\x11", 0 },
		{ "the first twice", "ctrl-p,ctrl-q", "\x10\x10\x11", "\x10\x10", 1 },
		{ "a beginning within", "a,a,b", "aaab", "aaa", 1 },
		{ "a later beginning", "a,b,a,c", "ababac", "ababa", 1 },
		{ "a single key", "ctrl-]", "q\x1d", "q", 1 },
		{ "none", "none", "\x10\x11", "\x10\x11", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t piece = 1; piece <= 8; piece++) {
			struct detachkeys k;
			struct err e = ERR_NONE;
			const uint8_t *typed = (const uint8_t *)cases[i].typed;
			size_t len = strlen(cases[i].typed), passed = 0, n;

			CHECK(detachkeys_parse(&k, cases[i].keys, &e) == 0);
			while (passed < len && !detachkeys_typed(&k)) {
				n = MIN(piece, len - passed);
				passed += detachkeys_pass(&k, typed + passed, n);
			}
			if (passed != strlen(cases[i].passed) ||
			    detachkeys_typed(&k) != cases[i].is_found)
				printf("# %s, by %zu: %zu\n", cases[i].why, piece, passed);
			CHECK(passed == strlen(cases[i].passed));
			CHECK(detachkeys_typed(&k) == cases[i].is_found);
		}
}

int main(void)
{
	TEST(a_notation_is_misread);
	TEST(keys_are_missed_or_swallowed);
	return check_done();
}
