/* A kernel file is a stranger's: whatever its headers say, it is refused with a sentence or
 * lies in guest RAM, and nowhere else. */
#include "vmm/load.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "vmm/layout.h"

#define MIB (1ull << 20)
enum { FILE_BYTES = 8192, CODE = 4096 };

static uint8_t ram[4 * MIB], high[MIB];
static const struct gmem mem = { { { 0, sizeof(ram), ram }, { GPA_HIGH, sizeof(high), high } } };

/* A kernel of two segments: 4 KiB of code at 1 MiB, 256 bytes and 1 MiB of bss at 2 MiB. */
struct image {
	Elf64_Ehdr h;
	Elf64_Phdr p[2];
};

static struct image good(void)
{
	return (struct image){
		.h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    1 },
		       .e_type = ET_EXEC,
		       .e_machine = EM_X86_64,
		       .e_entry = MIB + 16,
		       .e_phoff = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2 },
		.p = { { .p_type = PT_LOAD,
			 .p_offset = CODE,
			 .p_paddr = MIB,
			 .p_filesz = 4096 - 256,
			 .p_memsz = 4096 },
		       { .p_type = PT_LOAD,
			 .p_offset = FILE_BYTES - 256,
			 .p_paddr = 2 * MIB,
			 .p_filesz = 256,
			 .p_memsz = MIB } },
	};
}

static int file_of(const void *head, size_t len, size_t size)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	uint8_t rest[FILE_BYTES];

	for (size_t i = 0; i < sizeof(rest); i++)
		rest[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(rest, head, len);
	CHECK(fd >= 0 && write(fd, rest, size) == (ssize_t)size);
	return fd;
}

static int load(const struct image *i, size_t size, struct kernel *k, struct err *e)
{
	int fd = file_of(i, sizeof(*i), size);
	int rc;

	*e = ERR_NONE;
	memset(ram, 0, sizeof(ram));
	rc = load_kernel(&mem, fd, k, e);
	close(fd);
	return rc;
}

static void a_good_kernel_is_not_loaded_whole(void)
{
	struct image i = good();
	struct kernel k;
	struct err e;

	CHECK(load(&i, FILE_BYTES, &k, &e) == 0);
	CHECK(k.entry == MIB + 16 && k.start == MIB && k.end == 3 * MIB);
	for (size_t at = 0; at < 4096 - 256; at++)
		CHECK(ram[MIB + at] == (uint8_t)((CODE + at) * 7 + (CODE + at) / 256));
	CHECK(ram[MIB + 4096 - 256] == 0 && ram[2 * MIB + 256] == 0);
	CHECK(ram[2 * MIB] == (uint8_t)((FILE_BYTES - 256) * 7 + (FILE_BYTES - 256) / 256));
	CHECK(ram[MIB - 1] == 0);
}

enum { CASES = 64 };

static void a_bad_kernel_is_loaded(void)
{
	static const struct {
		const char *why;
		size_t off, len; /* which field of the image */
		uint64_t value;
		size_t size; /* of the file; 0: all of it */
		int want;
	} bad[] = {
#define H(field) offsetof(struct image, h.field), sizeof(((Elf64_Ehdr *)0)->field)
#define P(n, field) \
	offsetof(struct image, p) + (n) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field), \
		sizeof(((Elf64_Phdr *)0)->field)
		{ "not ELF", 0, 1, 0, 0, -ENOEXEC },
		{ "one byte", 0, 0, 0, 1, -ENOEXEC },
		{ "ends in the magic", 0, 0, 0, 4, -EBADMSG },
		{ "ends in the ELF header", 0, 0, 0, 63, -EBADMSG },
		{ "ends in the segment table", 0, 0, 0, 100, -EBADMSG },
		{ "ends behind the segment table", 0, 0, 0, sizeof(struct image), -EBADMSG },
		{ "ends in a segment", 0, 0, 0, FILE_BYTES - 1, -EBADMSG },
		{ "32-bit", EI_CLASS, 1, ELFCLASS32, 0, -ENOEXEC },
		{ "big-endian", EI_DATA, 1, ELFDATA2MSB, 0, -ENOEXEC },
		{ "for ARM", H(e_machine), EM_AARCH64, 0, -ENOEXEC },
		{ "a core dump", H(e_type), ET_CORE, 0, -ENOEXEC },
		{ "an object file", H(e_type), ET_REL, 0, -ENOEXEC },
		{ "no segments", H(e_phnum), 0, 0, -ENOEXEC },
		{ "65535 segments", H(e_phnum), 0xffff, 0, -ENOEXEC },
		{ "65 segments", H(e_phnum), 65, 0, -ENOEXEC },
		{ "segments of odd size", H(e_phentsize), 55, 0, -ENOEXEC },
		{ "segments of no size", H(e_phentsize), 0, 0, -ENOEXEC },
		{ "segment table behind the file", H(e_phoff), FILE_BYTES, 0, -EBADMSG },
		{ "segment table far away", H(e_phoff), UINT64_MAX - 8, 0, -EBADMSG },
		{ "segment table at 2^63", H(e_phoff), 1ull << 63, 0, -EBADMSG },
		{ "entry below the segments", H(e_entry), MIB - 1, 0, -ENOEXEC },
		{ "entry behind the segments", H(e_entry), 3 * MIB, 0, -ENOEXEC },
		{ "entry in the kernel's own addresses", H(e_entry), 0xffffffff81000000, 0,
		  -ENOEXEC },
		{ "below the first MiB", P(0, p_paddr), MIB - 1, 0, -ENOEXEC },
		{ "at 0", P(0, p_paddr), 0, 0, -ENOEXEC },
		{ "ends behind RAM", P(1, p_paddr), 4 * MIB - MIB + 1, 0, -ENOMEM },
		{ "starts behind RAM", P(1, p_paddr), 4 * MIB, 0, -ENOMEM },
		{ "in the hole", P(1, p_paddr), GPA_HOLE, 0, -ENOMEM },
		{ "ends behind high RAM", P(1, p_paddr), GPA_HIGH + 1, 0, -ENOMEM },
		{ "address wraps", P(1, p_paddr), UINT64_MAX - 4095, 0, -ENOMEM },
		{ "as large as the world", P(1, p_memsz), UINT64_MAX, 0, -ENOMEM },
		{ "memory size wraps", P(1, p_memsz), UINT64_MAX - 2 * MIB + 1, 0, -ENOMEM },
		{ "more in the file than in memory", P(0, p_filesz), 4097, 0, -ENOEXEC },
		{ "file size beyond the file", P(1, p_filesz), 257, 0, -EBADMSG },
		{ "offset behind the file", P(0, p_offset), FILE_BYTES + 1, 0, -EBADMSG },
		{ "offset and size wrap", P(0, p_offset), UINT64_MAX - 8, 0, -EBADMSG },
		{ "offset negative", P(0, p_offset), 1ull << 63, 0, -EBADMSG },
	};

	_Static_assert(COUNT(bad) <= CASES, "more room");
	for (size_t n = 0; n < COUNT(bad); n++) {
		struct image i = good();
		struct kernel k;
		struct err e;
		int rc;

		memcpy((uint8_t *)&i + bad[n].off, &bad[n].value, bad[n].len);
		rc = load(&i, bad[n].size ? bad[n].size : FILE_BYTES, &k, &e);
		if (rc != bad[n].want)
			printf("# %s: got %d (%s)\n", bad[n].why, rc, e.text);
		CHECK(rc == bad[n].want && e.code == rc && e.text[0]);
	}
}

static void an_odd_kernel_is_refused(void)
{
	struct image i = good();
	struct kernel k;
	struct err e;

	i.p[1].p_paddr = MIB + 100; /* overlaps the first: the later one wins, both in RAM */
	CHECK(load(&i, FILE_BYTES, &k, &e) == 0 && k.end == 2 * MIB + 100);
	i = good();
	i.p[1].p_paddr = GPA_HIGH;
	CHECK(load(&i, FILE_BYTES, &k, &e) == 0 && k.end == GPA_HIGH + MIB);
	i = good();
	i.p[1].p_type = PT_NOTE; /* anywhere it likes */
	i.p[1].p_paddr = i.p[1].p_offset = UINT64_MAX;
	CHECK(load(&i, FILE_BYTES, &k, &e) == 0 && k.end == MIB + 4096);
	i = good();
	i.p[1].p_memsz = i.p[1].p_filesz = 0;
	i.p[1].p_paddr = 0;
	CHECK(load(&i, FILE_BYTES, &k, &e) == 0 && k.end == MIB + 4096);
	i = good();
	i.p[0].p_type = PT_NOTE;
	i.p[1].p_type = PT_NOTE; /* nothing to run */
	CHECK(load(&i, FILE_BYTES, &k, &e) == -ENOEXEC);
}

static void what_people_pass_by_mistake_is_not_named(void)
{
	static const struct {
		const char *bytes, *says;
	} cases[] = {
		{ "\x1f\x8b", "gzip" },	   { "\x28\xb5\x2f\xfd", "zstd" }, { "070701", "cpio" },
		{ "#!/bin/sh", "script" }, { "what?", "no ELF file" },
	};

	for (size_t n = 0; n < COUNT(cases); n++) {
		int fd = file_of(cases[n].bytes, strlen(cases[n].bytes), 4096);
		struct err e = ERR_NONE;
		struct kernel k;

		CHECK(load_kernel(&mem, fd, &k, &e) == -ENOEXEC);
		CHECK(strstr(e.text, cases[n].says));
		close(fd);
	}
}

static void what_is_no_file_is_read(void)
{
	struct err e = ERR_NONE;
	struct kernel k;
	int fds[2], empty = memfd_create("empty", MFD_CLOEXEC);

	CHECK(pipe(fds) == 0);
	CHECK(load_kernel(&mem, fds[0], &k, &e) == -EINVAL);
	e = ERR_NONE;
	CHECK(load_kernel(&mem, -1, &k, &e) == -EBADF);
	e = ERR_NONE;
	CHECK(load_kernel(&mem, empty, &k, &e) == -ENOEXEC);
	close(fds[0]);
	close(fds[1]);
	close(empty);
}

/* --- initramfs ------------------------------------------------------------------------------ */

static int part(size_t size, int letter)
{
	int fd = memfd_create("part", MFD_CLOEXEC);
	uint8_t block[4096];

	memset(block, letter, sizeof(block));
	for (size_t left = size; left > 0; left -= MIN(left, sizeof(block)))
		CHECK(write(fd, block, MIN(left, sizeof(block))) > 0);
	return fd;
}

static void parts_lie_wrongly(void)
{
	struct kernel k = { .start = MIB, .end = 2 * MIB };
	int32_t fd[4] = { part(5, 'a'), part(0, 'b'), part(4096, 'c'), part(1, 'd') };
	struct err e = ERR_NONE;
	struct initrd i;

	memset(ram, 0, sizeof(ram));
	CHECK(load_initrd(&mem, &k, fd, 4, &i, &e) == 0);
	CHECK(i.len == 8 + 4096 + 1 && i.at % 4096 == 0 && i.at + i.len <= sizeof(ram));
	CHECK(!memcmp(ram + i.at, "aaaaa\0\0\0cccc", 12) && ram[i.at + 8 + 4096] == 'd');
	CHECK(load_initrd(&mem, &k, fd, 0, &i, &e) == 0 && i.len == 0);
	CHECK(load_initrd(&mem, &k, fd + 1, 1, &i, &e) == 0 && i.len == 0);
	for (int n = 0; n < 4; n++)
		close(fd[n]);
}

static void parts_that_do_not_fit_are_written(void)
{
	static const struct {
		const char *why;
		uint64_t size, kernel_end;
		int want;
	} cases[] = {
		{ "just fits", 2 * MIB, 2 * MIB, 0 },
		{ "one byte too many", 2 * MIB + 1, 2 * MIB, -ENOMEM },
		{ "as large as RAM", 4 * MIB, 2 * MIB, -ENOMEM },
		{ "larger than RAM", 5 * MIB, 2 * MIB, -ENOMEM },
		{ "the kernel fills RAM", 1, 4 * MIB, -ENOMEM },
	};

	for (size_t n = 0; n < COUNT(cases); n++) {
		struct kernel k = { .start = MIB, .end = cases[n].kernel_end };
		struct err e = ERR_NONE;
		struct initrd i;
		int32_t fd = memfd_create("part", MFD_CLOEXEC);
		int rc;

		CHECK(ftruncate(fd, (off_t)cases[n].size) == 0);
		rc = load_initrd(&mem, &k, &fd, 1, &i, &e);
		if (rc != cases[n].want)
			printf("# %s: got %d\n", cases[n].why, rc);
		CHECK(rc == cases[n].want);
		close(fd);
	}
}

static void huge_parts_wrap_around(void)
{
	struct kernel k = { .start = MIB, .end = 2 * MIB };
	struct err e = ERR_NONE;
	int32_t fd[9];
	struct initrd i;

	/* Sparse, so it costs nothing: sums beyond 32 bits, a size beyond 63. */
	for (int n = 0; n < 9; n++) {
		fd[n] = memfd_create("part", MFD_CLOEXEC);
		CHECK(ftruncate(fd[n], 0x7fffffff) == 0);
	}
	CHECK(load_initrd(&mem, &k, fd, 8, &i, &e) == -ENOMEM);
	CHECK(load_initrd(&mem, &k, fd, 3, &i, &e) == -ENOMEM); /* 4 bytes, modulo 2^32 */
	CHECK(load_initrd(&mem, &k, fd, 9, &i, &e) == -E2BIG);
	CHECK(ftruncate(fd[0], INT64_MAX - 4096) == 0);
	CHECK(load_initrd(&mem, &k, fd, 1, &i, &e) == -EFBIG);
	for (int n = 0; n < 9; n++)
		close(fd[n]);
}

int main(void)
{
	TEST(a_good_kernel_is_not_loaded_whole);
	TEST(a_bad_kernel_is_loaded);
	TEST(an_odd_kernel_is_refused);
	TEST(what_people_pass_by_mistake_is_not_named);
	TEST(what_is_no_file_is_read);
	TEST(parts_lie_wrongly);
	TEST(parts_that_do_not_fit_are_written);
	TEST(huge_parts_wrap_around);
	return check_done();
}
