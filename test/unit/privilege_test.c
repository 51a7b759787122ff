/*
 * What a command is kept from, by name: the numbers are the kernel's, and what nobody knows is
 * refused with what there is.
 */
#include <linux/capability.h>
#include <sys/resource.h>

#include "base/util.h"
#include "check.h"
#include "host/privilege.h"

static struct exec_req q;

static void a_limit_is_misread(void)
{
	static const struct {
		const char *why, *text;
		int resource; /* -1: refused */
		uint64_t soft, hard;
		const char *sentence;
	} cases[] = {
		{ "one number", "nofile=1024", RLIMIT_NOFILE, 1024, 1024, NULL },
		{ "two", "nproc=10:20", RLIMIT_NPROC, 10, 20, NULL },
		{ "zero", "core=0", RLIMIT_CORE, 0, 0, NULL },
		{ "unlimited", "stack=unlimited", RLIMIT_STACK, UINT64_MAX, UINT64_MAX, NULL },
		{ "docker's -1", "memlock=-1:-1", RLIMIT_MEMLOCK, UINT64_MAX, UINT64_MAX, NULL },
		{ "a hard one without end", "as=5:unlimited", RLIMIT_AS, 5, UINT64_MAX, NULL },
		{ "the last in the table", "locks=1", RLIMIT_LOCKS, 1, 1, NULL },
		{ "the largest", "fsize=18446744073709551614", RLIMIT_FSIZE, UINT64_MAX - 1,
		  UINT64_MAX - 1, NULL },
		{ "unknown", "nofiles=1", -1, 0, 0, "there is no 'nofiles'; there are: nofile" },
		{ "no name", "=1", -1, 0, 0, "there is no ''" },
		{ "no value", "nofile", -1, 0, 0, "NAME=SOFT[:HARD]" },
		{ "an empty value", "nofile=", -1, 0, 0, "whole number or unlimited" },
		{ "an empty hard one", "nofile=1:", -1, 0, 0, "whole number or unlimited" },
		{ "three", "nofile=1:2:3", -1, 0, 0, "whole number or unlimited" },
		{ "a unit", "as=1G", -1, 0, 0, "whole number or unlimited" },
		{ "negative", "nofile=-2", -1, 0, 0, "whole number or unlimited" },
		{ "too large", "nofile=18446744073709551616", -1, 0, 0, "whole number" },
		{ "far too large", "nofile=111111111111111111111111111", -1, 0, 0, "whole number" },
		{ "soft above hard", "nofile=2:1", -1, 0, 0, "soft limit is above" },
		{ "no end above an end", "nofile=unlimited:1", -1, 0, 0, "soft limit is above" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		int rc, good;

		q.nrlimits = 0;
		rc = privilege_ulimit(&q, cases[i].text, &e);
		if (cases[i].resource >= 0)
			good = rc == 0 && q.nrlimits == 1 &&
			       q.rlimits[0].resource == cases[i].resource &&
			       q.rlimits[0].soft == cases[i].soft &&
			       q.rlimits[0].hard == cases[i].hard;
		else
			good = rc < 0 && e.exit == 2 && strstr(e.text, cases[i].sentence) &&
			       q.nrlimits == 0;
		if (!good)
			printf("# %s: %d %s\n", cases[i].why, rc, e.text);
		CHECK(good);
	}
}

static void a_limit_is_set_twice(void)
{
	struct err e = ERR_NONE;

	q.nrlimits = 0;
	CHECK(privilege_ulimit(&q, "nofile=1", &e) == 0);
	CHECK(privilege_ulimit(&q, "nproc=1", &e) == 0 && q.nrlimits == 2);
	CHECK(privilege_ulimit(&q, "nofile=2", &e) < 0 && strstr(e.text, "nofile is set twice"));
}

static void a_capability_is_misread(void)
{
	static const struct {
		const char *why, *text;
		uint64_t drop; /* 0: refused */
	} cases[] = {
		{ "the first", "chown", 1 },
		{ "as the kernel writes it", "CAP_SYS_ADMIN", 1ull << CAP_SYS_ADMIN },
		{ "as docker writes it", "NET_RAW", 1ull << CAP_NET_RAW },
		{ "in small letters", "cap_kill", 1ull << CAP_KILL },
		{ "the last", "checkpoint_restore", 1ull << CAP_LAST_CAP },
		{ "all", "ALL", EXEC_CAPS_ALL },
		{ "unknown", "sys_everything", 0 },
		{ "a beginning of one", "sys", 0 },
		{ "twice the prefix", "cap_cap_kill", 0 },
		{ "a number", "21", 0 },
		{ "nothing", "", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		int rc, good;

		q.drop_caps = 0;
		rc = privilege_cap_drop(&q, cases[i].text, &e);
		good = cases[i].drop
			       ? rc == 0
			       : rc < 0 && e.exit == 2 && strstr(e.text, "there are: chown") &&
					 strstr(e.text, "checkpoint_restore");
		if (!good || q.drop_caps != cases[i].drop)
			printf("# %s: %d %s\n", cases[i].why, rc, e.text);
		CHECK(good && q.drop_caps == cases[i].drop);
	}
}

static void groups_overflow(void)
{
	struct err e = ERR_NONE;

	q.ngroups = 0;
	for (int i = 0; i < EXEC_GROUPS_MAX; i++)
		CHECK(privilege_group(&q, "wheel", &e) == 0);
	CHECK(privilege_group(&q, "wheel", &e) < 0 && strstr(e.text, "more than 32"));
	CHECK(privilege_group(&q, "", &e) < 0);
}

static void paths_of_ours_are_sent(void)
{
	struct err e = ERR_NONE;

	q.npaths = 0;
	CHECK(privilege_mask_path(&q, "proc", &e) < 0 && e.exit == 2 &&
	      strstr(e.text, "--mask-path: 'proc' is no absolute path"));
	CHECK(privilege_read_only_path(&q, "", &e) < 0 && q.npaths == 0);
	for (int i = 0; i < EXEC_PATHS_MAX; i++)
		CHECK(privilege_read_only_path(&q, "/etc", &e) == 0);
	CHECK(privilege_mask_path(&q, "/proc", &e) < 0 && strstr(e.text, "more than 32"));
}

int main(void)
{
	TEST(a_limit_is_misread);
	TEST(a_limit_is_set_twice);
	TEST(a_capability_is_misread);
	TEST(groups_overflow);
	TEST(paths_of_ours_are_sent);
	return check_done();
}
