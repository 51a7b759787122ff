/* What is said of files beside copies: what is written is what is read, and nonsense is refused. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/errname.h"
#include "base/util.h"
#include "check.h"
#include "host/fsentry.h"
#include "proto/fs.h"

static uint8_t mem[FS_FRAME_MAX];

static struct fs_entry a_file(void)
{
	return (struct fs_entry){
		.name = "two words",
		.mode = S_IFREG | 04755,
		.uid = 1,
		.gid = 2,
		.size = 1ull << 40,
		.blocks = 8,
		.inode = ~0ull,
		.links = 3,
		.accessed = { -1, 1 },
		.modified = { 1700000000, 999999999 },
		.changed = { 0, 0 },
		.target = "",
		.owner = "daemon",
		.group = "",
	};
}

static void a_request_comes_back_changed(void)
{
	struct fs_req q = { FS_MOVE, FS_KEEP | FS_INTO, 0, "nobody", "/a", "/b" }, out;
	long len = fs_req_encode(&q, mem, sizeof(mem));

	CHECK(len > 0 && fs_req_decode(&out, mem, (size_t)len) == 0);
	CHECK(out.op == q.op && out.flags == q.flags && !strcmp(out.user, "nobody"));
	CHECK(!strcmp(out.path, "/a") && !strcmp(out.to, "/b"));
	for (long cut = 0; cut < len; cut++)
		CHECK(fs_req_decode(&out, mem, (size_t)cut) == -EPROTO);
	CHECK(fs_req_decode(&out, mem, (size_t)len + 1) == -EPROTO);
}

static void a_request_that_contradicts_itself_is_taken(void)
{
	static char longest[FS_PATH_MAX + 1];
	const struct {
		const char *why;
		struct fs_req q;
	} bad[] = {
		{ "nothing is asked", { 0, 0, 0, "", "/a", "" } },
		{ "what nobody knows", { FS_OPS_END, 0, 0, "", "/a", "" } },
		{ "another's flag", { FS_STAT, FS_RECURSIVE, 0, "", "/a", "" } },
		{ "a flag that there is not", { FS_STAT, 0x8000, 0, "", "/a", "" } },
		{ "permissions of what is not made", { FS_REMOVE, 0, 0644, "", "/a", "" } },
		{ "a folder that is setuid", { FS_MKDIR, 0, 04755, "", "/a", "" } },
		{ "no path", { FS_STAT, 0, 0, "", "", "" } },
		{ "a move to nowhere", { FS_MOVE, 0, 0, "", "/a", "" } },
		{ "somewhere to go for what stays", { FS_STAT, 0, 0, "", "/a", "/b" } },
		{ "a path no system call takes", { FS_STAT, 0, 0, "", longest, "" } },
	};

	memset(longest, 'x', FS_PATH_MAX);
	for (size_t i = 0; i < COUNT(bad); i++) {
		long len = fs_req_encode(&bad[i].q, mem, sizeof(mem));
		struct fs_req out;

		if (len < 0 || fs_req_decode(&out, mem, (size_t)len) != -EPROTO)
			printf("# %s\n", bad[i].why);
		CHECK(len > 0 && fs_req_decode(&out, mem, (size_t)len) == -EPROTO);
	}
}

static void the_longest_request_does_not_fit_a_frame(void)
{
	static char path[FS_PATH_MAX];
	struct fs_req q = { FS_MOVE, 0, 0, "somebody", path, path }, out;
	long len;

	memset(path, 'x', FS_PATH_MAX - 1);
	len = fs_req_encode(&q, mem, sizeof(mem));
	CHECK(len > 0 && fs_req_decode(&out, mem, (size_t)len) == 0);
}

static void an_entry_comes_back_changed(void)
{
	struct fs_entry n = a_file(), out;
	long len = fs_entry_encode(&n, mem, sizeof(mem));

	CHECK(len > 0 && fs_entry_decode(&out, mem, (size_t)len) == 0);
	CHECK(!strcmp(out.name, n.name) && out.mode == n.mode && out.uid == 1 && out.gid == 2);
	CHECK(out.size == n.size && out.blocks == 8 && out.inode == ~0ull && out.links == 3);
	CHECK(out.accessed.s == -1 && out.modified.ns == 999999999 && out.changed.s == 0);
	CHECK(!strcmp(out.owner, "daemon") && !out.group[0] && !out.target[0]);
	for (long cut = 0; cut < len; cut++)
		CHECK(fs_entry_decode(&out, mem, (size_t)cut) == -EPROTO);
}

static void an_entry_that_contradicts_itself_is_taken(void)
{
	struct {
		const char *why;
		struct fs_entry n;
	} bad[] = {
		{ "no name", a_file() },
		{ "bits beyond a mode's", a_file() },
		{ "a size that JSON cannot say", a_file() },
		{ "a second of nanoseconds", a_file() },
		{ "a file that leads somewhere", a_file() },
	};

	bad[0].n.name = "";
	bad[1].n.mode |= 0200000;
	bad[2].n.size = 1ull << 63;
	bad[3].n.changed.ns = 1000000000;
	bad[4].n.target = "x";
	for (size_t i = 0; i < COUNT(bad); i++) {
		long len = fs_entry_encode(&bad[i].n, mem, sizeof(mem));
		struct fs_entry out;

		if (fs_entry_decode(&out, mem, (size_t)len) != -EPROTO)
			printf("# %s\n", bad[i].why);
		CHECK(fs_entry_decode(&out, mem, (size_t)len) == -EPROTO);
	}
}

static void a_folder_that_is_no_step_is_entered(void)
{
	static const uint8_t up[] = { 0, 0, 0, 3, '.', '.', 0 }, step[] = { 0, 0, 0, 2, 'a', 0 };

	CHECK(!fs_enter_decode(up, sizeof(up)));
	CHECK(!fs_enter_decode(step, sizeof(step) - 1));
	CHECK(fs_enter_decode(step, sizeof(step)) &&
	      !strcmp(fs_enter_decode(step, sizeof(step)), "a"));
}

static void a_problem_without_a_reason_is_taken(void)
{
	struct fs_problem p = { ENOENT, "/x", "" }, out;
	long len = fs_problem_encode(&p, mem, sizeof(mem));

	CHECK(fs_problem_decode(&out, mem, (size_t)len) == 0 && out.sys == ENOENT);
	p.sys = 0;
	len = fs_problem_encode(&p, mem, sizeof(mem));
	CHECK(fs_problem_decode(&out, mem, (size_t)len) == -EPROTO);
	CHECK(!strcmp(errname(ENOENT), "ENOENT") && !strcmp(errname(EDQUOT), "EDQUOT"));
	CHECK(!errname(0) && !errname(100000));
}

static void a_mode_is_shown_as_another(void)
{
	static const struct {
		uint32_t mode;
		const char *text;
	} cases[] = {
		{ S_IFREG | 0644, "-rw-r--r--" },  { S_IFDIR | 01777, "drwxrwxrwt" },
		{ S_IFREG | 04755, "-rwsr-xr-x" }, { S_IFREG | 06600, "-rwS--S---" },
		{ S_IFLNK | 0777, "lrwxrwxrwx" },  { S_IFDIR | 01000, "d--------T" },
		{ S_IFSOCK, "s---------" },	   { 0, "?---------" },
	};
	char out[FSENTRY_MODE_ROOM];

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK(!strcmp(fsentry_mode(out, cases[i].mode), cases[i].text));
}

static void a_year_without_four_digits_is_shown(void)
{
	struct fs_entry n = a_file();
	json_t *j;

	n.modified.s = INT64_MAX;
	n.changed.s = 253402300800; /* 10000-01-01 */
	j = fsentry_json("/x", &n);
	CHECK(j && json_is_null(json_object_get(j, "modified")));
	CHECK(json_is_null(json_object_get(j, "changed")));
	CHECK(!strcmp(json_string_value(json_object_get(j, "accessed")),
		      "1969-12-31T23:59:59.000000001Z"));
	json_decref(j);
}

int main(void)
{
	TEST(a_request_comes_back_changed);
	TEST(a_request_that_contradicts_itself_is_taken);
	TEST(the_longest_request_does_not_fit_a_frame);
	TEST(an_entry_comes_back_changed);
	TEST(an_entry_that_contradicts_itself_is_taken);
	TEST(a_folder_that_is_no_step_is_entered);
	TEST(a_problem_without_a_reason_is_taken);
	TEST(a_mode_is_shown_as_another);
	TEST(a_year_without_four_digits_is_shown);
	return check_done();
}
