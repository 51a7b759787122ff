/* What an agent takes from the kernel's command line for the boot id that its host gave. */
#include "guest/bootid.h"

#include "base/util.h"
#include "check.h"

#define ID    "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER "fedcba98-7654-3210-fedc-ba9876543210"

static void another_word_is_taken_for_it(void)
{
	static const struct {
		const char *why, *cmdline, *id;
	} cases[] = {
		{ "nothing at all", "", "" },
		{ "only others", "console=ttyS0 quiet\n", "" },
		{ "alone", "vmtool.boot=" ID, ID },
		{ "with its newline", "vmtool.boot=" ID "\n", ID },
		{ "between others", "a  vmtool.boot=" ID " b\n", ID },
		{ "the end of another word", "xvmtool.boot=" ID "\n", "" },
		{ "too short", "vmtool.boot=0123\n", "" },
		{ "too long", "vmtool.boot=" ID "0\n", "" },
		{ "cut by the kernel", "vmtool.boot=01234567-89ab", "" },
		/* What somebody appended stands behind the host's own. */
		{ "the last of two", "vmtool.boot=" OTHER " vmtool.boot=" ID, ID },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char id[BOOT_ID_LEN + 1] = "";

		boot_id_of_host(id, cases[i].cmdline);
		if (strcmp(id, cases[i].id))
			printf("# %s: got '%s'\n", cases[i].why, id);
		CHECK(!strcmp(id, cases[i].id));
	}
}

static void the_kernels_own_is_lost_for_nothing(void)
{
	char id[BOOT_ID_LEN + 1] = OTHER;

	boot_id_of_host(id, "root=/dev/vda rw");
	CHECK(!strcmp(id, OTHER));
}

int main(void)
{
	TEST(another_word_is_taken_for_it);
	TEST(the_kernels_own_is_lost_for_nothing);
	return check_done();
}
