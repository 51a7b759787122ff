/* Who a command runs as, from folders that stand for a guest's /etc. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/lines.h"
#include "base/util.h"
#include "check.h"
#include "guest/user.h"

static char etc[] = "/tmp/user_test.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK(fd_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

static void a_user_is_mistaken(void)
{
	static const struct {
		const char *why, *who;
		int rc;
		uid_t uid;
		gid_t gid;
		const char *name, *home;
	} cases[] = {
		{ "by name", "guest", 0, 1000, 1001, "guest", "/home/guest" },
		{ "by number", "1000", 0, 1000, 1001, "guest", "/home/guest" },
		{ "by number, other group", "1000:7", 0, 1000, 7, "guest", "/home/guest" },
		{ "an unknown number has its own group", "4711", 0, 4711, 4711, "", "/" },
		{ "an unknown number and group", "4711:5", 0, 4711, 5, "", "/" },
		{ "root", "root", 0, 0, 0, "root", "/root" },
		{ "no home", "homeless", 0, 1002, 1002, "homeless", "/" },
		{ "an unknown name", "nobody-such", -ENOENT, 0, 0, "", "" },
		{ "the start of a name", "gues", -ENOENT, 0, 0, "", "" },
		{ "a line without numbers", "broken", -ENOENT, 0, 0, "", "" },
		{ "number and letters", "12x", -EINVAL, 0, 0, "", "" },
		{ "a group that is none", "12:x", -EINVAL, 0, 0, "", "" },
		{ "a group missing", "12:", -EINVAL, 0, 0, "", "" },
		{ "the id that means no change", "4294967295", -EINVAL, 0, 0, "", "" },
		{ "the same as group", "1:4294967295", -EINVAL, 0, 0, "", "" },
		{ "wraps to root", "4294967296", -EINVAL, 0, 0, "", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct user u;
		int rc = user_find(&u, etc, cases[i].who), good;

		good = rc == cases[i].rc;
		if (good && rc == 0)
			good = u.uid == cases[i].uid && u.gid == cases[i].gid &&
			       !strcmp(u.name, cases[i].name) && !strcmp(u.home, cases[i].home);
		if (!good)
			printf("# %s: %d %u:%u '%s' '%s'\n", cases[i].why, rc, u.uid, u.gid, u.name,
			       u.home);
		CHECK(good);
	}
}

static void a_supplementary_group_is_missing(void)
{
	struct user u;

	CHECK(user_find(&u, etc, "guest") == 0);
	CHECK(u.ngroups == 2 && u.groups[0] == 20 && u.groups[1] == 40);
	CHECK(user_find(&u, etc, "4711") == 0 && u.ngroups == 0);
}

static void asked_groups_are_not_the_given_ones(void)
{
	static const char *const asked[] = { "other", "4711", "root" };
	static const char *const unknown[] = { "other", "no-such-group", "20x" };
	static const char *const numbers[] = { "20x" };
	const char *which = "";
	struct user u;

	CHECK(user_find(&u, etc, "guest") == 0);
	CHECK(user_set_groups(&u, etc, asked, COUNT(asked), &which) == 0);
	CHECK(u.ngroups == 3 && u.groups[0] == 30 && u.groups[1] == 4711 && u.groups[2] == 0);
	CHECK(user_set_groups(&u, etc, unknown, COUNT(unknown), &which) == -ENOENT);
	CHECK(!strcmp(which, "no-such-group"));
	CHECK(user_set_groups(&u, etc, numbers, 1, &which) == -ENOENT && !strcmp(which, "20x"));
	CHECK(user_set_groups(&u, etc, asked, USER_GROUPS_MAX + 1, &which) == -EINVAL);
}

/* The tail of the first line looks like an entry with the rights of root. */
static void a_long_line_makes_a_user(void)
{
	char *text = malloc(3 * LINES_ROOM);
	struct user u;

	memset(text, 'x', 2 * LINES_ROOM);
	strcpy(text + 2 * LINES_ROOM - 100,
	       ":evil:x:0:0::/:/bin/sh\nguest:x:1000:1001::/home/guest:/bin/sh\n");
	write_file("passwd", text);
	CHECK(user_find(&u, etc, "evil") == -ENOENT);
	CHECK(user_find(&u, etc, "guest") == 0 && u.uid == 1000);
	free(text);
}

static void a_guest_without_passwd_has_no_root(void)
{
	struct user u;

	CHECK(user_find(&u, "/no/such/folder", "root") == 0);
	CHECK(u.uid == 0 && u.gid == 0 && !strcmp(u.home, "/") && !strcmp(u.name, "root"));
	CHECK(user_find(&u, "/no/such/folder", "12:13") == 0 && u.uid == 12 && u.gid == 13);
	CHECK(user_find(&u, "/no/such/folder", "guest") == -ENOENT);
	CHECK(user_find(&u, "/no/such/folder", "") == 0 && u.uid == geteuid());
}

int main(void)
{
	if (!mkdtemp(etc))
		return 1;
	write_file("passwd", "root:x:0:0:root:/root:/bin/bash\n"
			     "broken\n"
			     "broken:x:\n"
			     "\n"
			     "homeless:x:1002:1002\n"
			     "guest:x:1000:1001:Guest,,,:/home/guest:/bin/sh");
	write_file("group", "root:x:0:\nstaff:x:20:alice,guest\nother:x:30:guests,aguest\n"
			    "last:x:40:guest\nbad:x:y:guest\n");
	TEST(a_user_is_mistaken);
	TEST(a_supplementary_group_is_missing);
	TEST(asked_groups_are_not_the_given_ones);
	TEST(a_long_line_makes_a_user);
	TEST(a_guest_without_passwd_has_no_root);
	return check_done();
}
