/* What is packed comes out whole or not at all, and no larger than it may. */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "check.h"
#include "image/unpack.h"
#include "image/vmlinux.h"
#include "packed_cases.h"

enum { PLAIN = (sizeof(PACKED_LINE) - 1) * PACKED_LINES, MOST = 1 << 20 };

static const struct packed_case {
	const char *name;
	const uint8_t *data;
	size_t len;
} cases[] = {
	{ "gzip", packed_gzip, sizeof(packed_gzip) },
	{ "xz", packed_xz, sizeof(packed_xz) },
	{ "zstd", packed_zstd, sizeof(packed_zstd) },
	{ "lz4", packed_lz4, sizeof(packed_lz4) },
};

static int is_the_text(const struct blob *b)
{
	size_t line = sizeof(PACKED_LINE) - 1;

	for (size_t at = 0; at + line <= b->len; at += line)
		if (memcmp(b->data + at, PACKED_LINE, line) != 0)
			return 0;
	return b->len == PLAIN;
}

static void what_was_packed_comes_out_otherwise(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct packed_case *c = &cases[i];
		struct err e = ERR_NONE;
		struct blob out;

		CHECK(unpack_format(c->data, c->len) &&
		      !strcmp(unpack_format(c->data, c->len), c->name));
		CHECK(unpack(&out, "it", c->data, c->len, MOST, &e) == 0 && is_the_text(&out));
		blob_free(&out);
	}
}

/* A kernel's build appends the unpacked size. */
static void what_stands_behind_it_is_unpacked_too(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct packed_case *c = &cases[i];
		uint8_t file[512];
		struct err e = ERR_NONE;
		struct blob out;

		memcpy(file, c->data, c->len);
		memcpy(file + c->len, "\x60\x04\0\0", 4);
		CHECK(unpack(&out, "it", file, c->len + 4, MOST, &e) == 0 && is_the_text(&out));
		blob_free(&out);
	}
}

/* At every byte. lz4 has no end of its own: a cut between two blocks cannot be seen, and a rest of up to
 * four bytes is a size. */
static void a_cut_file_is_taken_for_a_whole_one(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct packed_case *c = &cases[i];
		int is_lz4 = !strcmp(c->name, "lz4");

		for (size_t len = is_lz4 ? 9 : 6; len < c->len; len++) {
			uint8_t *file = malloc(len); /* so that a read beyond is noticed */
			struct err e = ERR_NONE;
			struct blob out;

			memcpy(file, c->data, len);
			if (unpack(&out, "it", file, len, MOST, &e) != -EBADMSG || out.data)
				printf("# %s: cut at byte %zu\n", c->name, len), check.failed++;
			CHECK(e.text[0]);
			blob_free(&out);
			free(file);
		}
	}
}

static void it_becomes_larger_than_it_may(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		struct blob out;

		CHECK(unpack(&out, "it", cases[i].data, cases[i].len, PLAIN - 1, &e) == -EFBIG);
		CHECK(!out.data && strstr(e.text, "unpacks to more than"));
		e = ERR_NONE;
		CHECK(unpack(&out, "it", cases[i].data, cases[i].len, PLAIN, &e) == 0);
		blob_free(&out);
	}
}

static void another_file_is_unpacked(void)
{
	static const char *const others[] = { "", "\x1f", "BZh9", "\177ELF", "\x04\x22\x4d\x18" };

	for (size_t i = 0; i < COUNT(others); i++) {
		struct err e = ERR_NONE;
		struct blob out;

		CHECK(unpack(&out, "it", others[i], strlen(others[i]), MOST, &e) == -ENOEXEC);
	}
}

/* --- kernels --- */

static int kernel_of(struct vmlinux *k, const void *data, size_t len, struct err *e)
{
	struct blob file = BLOB_NONE;

	*e = ERR_NONE;
	CHECK(blob_grow(&file, len + 1, len + 1) == 0);
	memcpy(file.data, data, len);
	file.len = len;
	return vmlinux_of(k, &file, "k", e);
}

static void a_kernel_that_is_none_is_taken(void)
{
	static uint8_t short_one[0x230] = { 0 };
	struct vmlinux k;
	struct err e;

	CHECK(kernel_of(&k, "text\n", 5, &e) == -ENOEXEC && strstr(e.text, "is no kernel"));
	CHECK(kernel_of(&k, packed_gzip, sizeof(packed_gzip), &e) == -ENOEXEC);
	CHECK(strstr(e.text, "no ELF vmlinux"));
	memcpy(short_one + 0x202, "HdrS", 4);
	CHECK(kernel_of(&k, short_one, sizeof(short_one), &e) == -ENOEXEC);
	CHECK(kernel_of(&k, "\177ELFxyz", 7, &e) == 0 && k.elf.len == 7 && !strcmp(k.packing, "none"));
	blob_free(&k.elf);
}

int main(void)
{
	TEST(what_was_packed_comes_out_otherwise);
	TEST(what_stands_behind_it_is_unpacked_too);
	TEST(a_cut_file_is_taken_for_a_whole_one);
	TEST(it_becomes_larger_than_it_may);
	TEST(another_file_is_unpacked);
	TEST(a_kernel_that_is_none_is_taken);
	return check_done();
}
