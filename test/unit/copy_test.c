/* The payloads of a file copy: what is written is what is read, and nonsense is refused. */
#include <errno.h>
#include <sys/stat.h>

#include "base/util.h"
#include "check.h"
#include "proto/copy.h"

static uint8_t mem[COPY_FRAME_MAX];

/* Encodes and decodes; 0 or what the decoder said. */
static int there_and_back(const struct copy_msg *m, struct copy_msg *out)
{
	long len = copy_msg_encode(m, mem, sizeof(mem));
	struct frame f = { m->type, (uint32_t)len, mem };

	CHECK(len >= 0);
	return len < 0 ? -1 : copy_msg_decode(out, &f);
}

static struct copy_msg file_msg(void)
{
	return (struct copy_msg){
		.type = FRAME_COPY_ENTRY,
		.entry = { .name = "file",
			   .mode = S_IFREG | 04755,
			   .uid = 1,
			   .gid = 2,
			   .mtime = -3,
			   .mtime_ns = 999999999,
			   .size = 5,
			   .target = "" },
	};
}

static void an_entry_comes_back_changed(void)
{
	struct copy_xattr x = { "user.k", (const uint8_t *)"v\0w", 3 }, y;
	struct copy_msg m = file_msg(), out;
	uint8_t list[64];
	size_t at = 0;

	CHECK(copy_xattr_add(list, sizeof(list), &m.entry.xattrs_len, &x) == 0);
	m.entry.xattrs = list;
	CHECK(there_and_back(&m, &out) == 0);
	CHECK(!strcmp(out.entry.name, "file") && out.entry.mode == m.entry.mode);
	CHECK(out.entry.uid == 1 && out.entry.gid == 2 && out.entry.size == 5);
	CHECK(out.entry.mtime == -3 && out.entry.mtime_ns == 999999999);
	CHECK(copy_xattr_next(&y, out.entry.xattrs, out.entry.xattrs_len, &at) == 1);
	CHECK(!strcmp(y.name, "user.k") && y.len == 3 && !memcmp(y.value, "v\0w", 3));
	CHECK(copy_xattr_next(&y, out.entry.xattrs, out.entry.xattrs_len, &at) == 0);
}

static void a_name_that_is_no_step_is_taken(void)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "/a", "a/" };
	char longest[COPY_NAME_MAX + 2];
	struct copy_msg m = file_msg(), out;

	memset(longest, 'x', sizeof(longest));
	longest[COPY_NAME_MAX + 1] = '\0';
	for (size_t i = 0; i <= COUNT(bad); i++) {
		const char *name = i < COUNT(bad) ? bad[i] : longest;
		struct copy_msg enter = { .type = FRAME_COPY_ENTER, .text = name };
		struct copy_msg link = { .type = FRAME_COPY_LINK, .link = { name, "a" } };

		m.entry.name = name;
		CHECK(there_and_back(&m, &out) == -EPROTO);
		CHECK(there_and_back(&enter, &out) == -EPROTO);
		CHECK(there_and_back(&link, &out) == -EPROTO);
	}
	longest[COPY_NAME_MAX] = '\0';
	m.entry.name = longest;
	CHECK(there_and_back(&m, &out) == 0);
}

static void a_link_that_leads_outside_is_taken(void)
{
	static const struct {
		const char *target;
		int rc;
	} cases[] = {
		{ "a", 0 },	     { "a/b/c", 0 },	{ "..a/...", 0 },
		{ "", -EPROTO },     { "/a", -EPROTO }, { "a/", -EPROTO },
		{ "a//b", -EPROTO }, { "..", -EPROTO }, { "a/../b", -EPROTO },
		{ "./a", -EPROTO },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct copy_msg m = { .type = FRAME_COPY_LINK, .link = { "n", cases[i].target } };
		struct copy_msg out;

		if (there_and_back(&m, &out) != cases[i].rc)
			printf("# '%s'\n", cases[i].target);
		CHECK(there_and_back(&m, &out) == cases[i].rc);
	}
}

static void an_entry_that_contradicts_itself_is_taken(void)
{
	static const struct {
		const char *why;
		uint32_t mode, ns;
		uint64_t size;
		const char *target;
	} bad[] = {
		{ "no type", 0644, 0, 0, "" },
		{ "a type that there is not", 0170000, 0, 0, "" },
		{ "bits beyond a mode's", S_IFREG | 0200000, 0, 0, "" },
		{ "a second of nanoseconds", S_IFREG, 1000000000, 0, "" },
		{ "more than a file can have", S_IFREG, 0, 1ull << 63, "" },
		{ "a symbolic link to nothing", S_IFLNK, 0, 0, "" },
		{ "a file that leads somewhere", S_IFREG, 0, 0, "x" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct copy_msg m = file_msg(), out;

		m.entry.mode = bad[i].mode;
		m.entry.mtime_ns = bad[i].ns;
		m.entry.size = bad[i].size;
		m.entry.target = bad[i].target;
		if (there_and_back(&m, &out) != -EPROTO)
			printf("# %s\n", bad[i].why);
		CHECK(there_and_back(&m, &out) == -EPROTO);
	}
}

static void a_list_of_xattrs_that_is_cut_short_is_taken(void)
{
	struct copy_xattr x = { "user.k", (const uint8_t *)"value", 5 };
	struct copy_msg m = file_msg(), out;
	uint8_t list[64];
	size_t len = 0;

	copy_xattr_add(list, sizeof(list), &len, &x);
	m.entry.xattrs = list;
	for (m.entry.xattrs_len = 1; m.entry.xattrs_len < len; m.entry.xattrs_len++)
		CHECK(there_and_back(&m, &out) == -EPROTO);
	CHECK(copy_xattr_add(list, len - 1, &(size_t){ 0 }, &x) == -ENOSPC);
}

static void a_frame_that_is_no_step_is_taken(void)
{
	static const struct {
		const char *why;
		uint8_t type;
		uint32_t len;
		uint8_t bytes[12];
	} bad[] = {
		{ "another service's", FRAME_EXEC, 0, { 0 } },
		{ "the end, which is no step", FRAME_COPY_END, 0, { 0 } },
		{ "no bytes of data", FRAME_COPY_DATA, 0, { 0 } },
		{ "a hole of nothing", FRAME_COPY_HOLE, 8, { 0 } },
		{ "a hole beyond all files", FRAME_COPY_HOLE, 8, { 0xff } },
		{ "half a hole", FRAME_COPY_HOLE, 4, { 0, 0, 0, 1 } },
		{ "neither whole nor broken", FRAME_COPY_EOF, 1, { 2 } },
		{ "up with something", FRAME_COPY_UP, 1, { 0 } },
		{ "a root without its second half", FRAME_COPY_ROOT, 5, { 0, 0, 0, 1, 0 } },
	};
	struct copy_msg m;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct frame f = { bad[i].type, bad[i].len, bad[i].bytes };

		if (copy_msg_decode(&m, &f) != -EPROTO)
			printf("# %s\n", bad[i].why);
		CHECK(copy_msg_decode(&m, &f) == -EPROTO);
	}
}

static void a_request_comes_back_changed(void)
{
	struct copy_req q = { COPY_ARCHIVE | COPY_INTO, "nobody", "/srv" }, out;
	long len = copy_req_encode(&q, mem, sizeof(mem));

	CHECK(len > 0 && copy_req_decode(&out, mem, (size_t)len) == 0);
	CHECK(out.flags == q.flags && !strcmp(out.user, "nobody") && !strcmp(out.path, "/srv"));
	CHECK(copy_req_decode(&out, mem, (size_t)len - 1) == -EPROTO);
	mem[0] = 0x80;
	CHECK(copy_req_decode(&out, mem, (size_t)len) == -EPROTO);
	q.path = "";
	len = copy_req_encode(&q, mem, sizeof(mem));
	CHECK(copy_req_decode(&out, mem, (size_t)len) == -EPROTO);
}

int main(void)
{
	TEST(an_entry_comes_back_changed);
	TEST(a_name_that_is_no_step_is_taken);
	TEST(a_link_that_leads_outside_is_taken);
	TEST(an_entry_that_contradicts_itself_is_taken);
	TEST(a_list_of_xattrs_that_is_cut_short_is_taken);
	TEST(a_frame_that_is_no_step_is_taken);
	TEST(a_request_comes_back_changed);
	return check_done();
}
