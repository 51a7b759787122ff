/* What somebody meant: near words are found, far ones are not made up. */
#include "base/nearest.h"
#include "base/util.h"
#include "check.h"

static const char *const words[] = { "memory", "cpus",	"kernel", "initrd", "init",
				     "net",    "mount", "rm",	  "ls" };

static const char *nearest_of(const char *word)
{
	struct nearest n = NEAREST(word);

	for (size_t i = 0; i < COUNT(words); i++)
		nearest_try(&n, words[i]);
	return n.best ? n.best : "";
}

static void a_slip_of_the_finger_is_not_understood(void)
{
	static const struct {
		const char *why, *typed, *meant;
	} slips[] = {
		{ "a letter is missing", "memry", "memory" },
		{ "one too many", "cpuss", "cpus" },
		{ "another one", "kermel", "kernel" },
		{ "two swapped", "memroy", "memory" },
		{ "two swapped of two", "mr", "rm" },
		{ "the nearer of two", "initr", "initrd" },
		{ "a plural", "nets", "net" },
		{ "nothing like it", "hostname", "" },
		{ "another word", "xyz", "" },
		{ "nothing at all", "", "" },
		{ "longer than any word", "memorymemorymemorymemorymemorymemory", "" },
	};

	for (size_t i = 0; i < COUNT(slips); i++) {
		const char *got = nearest_of(slips[i].typed);

		if (strcmp(got, slips[i].meant) != 0)
			printf("# %s: %s is taken for '%s'\n", slips[i].why, slips[i].typed, got);
		CHECK(!strcmp(got, slips[i].meant));
	}
}

int main(void)
{
	TEST(a_slip_of_the_finger_is_not_understood);
	return check_done();
}
