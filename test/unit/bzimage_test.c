/* A bzImage is a stranger's file as well: its header is believed only where it cannot lead outside
 * of guest RAM, and what the kernel is entered with is the header it came with. */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "vmm/boot_x86_64.h"
#include "vmm/layout.h"

#define MIB (1ull << 20)
enum {
	SETUP_SECTS = 3,
	CODE_AT = (SETUP_SECTS + 1) * 512,
	CODE = 4096,
	FILE_BYTES = CODE_AT + CODE + 77, /* a signature lies behind it */
	HEADER_AT = 0x1f1,
	INIT_SIZE = 1 << 20,
};

static uint8_t ram[4 * MIB];
static const struct gmem mem = { { { 0, sizeof(ram), ram } } };
static uint8_t file[FILE_BYTES];

static struct setup_header *header(void)
{
	return (struct setup_header *)(void *)(file + HEADER_AT);
}

static void make_good(void)
{
	struct setup_header h = {
		.setup_sects = SETUP_SECTS,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb, /* over 0x6a bytes: the header ends at 0x26c */
		.header = 0x53726448,
		.version = 0x020f,
		.xloadflags = XLF_KERNEL_64,
		.syssize = CODE / 16,
		.pref_address = 2 * MIB,
		.init_size = INIT_SIZE,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.cmdline_size = 40,
	};

	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(file + HEADER_AT, &h, sizeof(h));
}

static int load(size_t size, struct kernel *k, struct err *e)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	int rc;

	CHECK(fd >= 0 && write(fd, file, size) == (ssize_t)size);
	*e = ERR_NONE;
	memset(ram, 0, sizeof(ram));
	rc = load_kernel(&mem, fd, k, e);
	close(fd);
	return rc;
}

static void its_code_lies_elsewhere(void)
{
	struct kernel k;
	struct err e;

	make_good();
	CHECK(load(FILE_BYTES, &k, &e) == 0);
	CHECK(k.start == 2 * MIB && k.entry == 2 * MIB + 0x200 && k.end == 2 * MIB + INIT_SIZE);
	CHECK(memcmp(ram + 2 * MIB, file + CODE_AT, CODE) == 0);
	CHECK(ram[2 * MIB + CODE] == 0 && ram[2 * MIB - 1] == 0);
}

/* The build rounds syssize up to a paragraph; the file need not be. */
static void a_file_without_the_last_padding_is_refused(void)
{
	struct kernel k;
	struct err e;

	make_good();
	CHECK(load(CODE_AT + CODE - 15, &k, &e) == 0);
	CHECK(load(CODE_AT + CODE - 16, &k, &e) == -EBADMSG);
}

static void a_bad_one_is_loaded(void)
{
	static const struct {
		const char *why;
		size_t off, len;
		uint64_t value;
		size_t size; /* of the file; 0: all of it */
		int want;
	} bad[] = {
#define H(field) \
	HEADER_AT + offsetof(struct setup_header, field), sizeof(((struct setup_header *)0)->field)
		{ "ends in its header", 0, 0, 0, 0x230, -ENOEXEC },
		{ "ends behind its header", 0, 0, 0, 0x280, -EBADMSG },
		{ "ends in its code", 0, 0, 0, CODE_AT + 100, -EBADMSG },
		{ "from before 64-bit entries", H(version), 0x020b, 0, -ENOEXEC },
		{ "its header ends before it tells", H(jump), 0x10eb, 0, -ENOEXEC },
		{ "32-bit", H(xloadflags), 0, 0, -ENOEXEC },
		{ "setup behind the end", H(setup_sects), 255, 0, -EBADMSG },
		{ "more code than the file has", H(syssize), UINT32_MAX, 0, -EBADMSG },
		{ "no code", H(syssize), 0, 0, -ENOEXEC },
		{ "code that ends before its entry", H(syssize), 0x20, 0, -ENOEXEC },
		{ "larger in the file than in memory", H(init_size), CODE - 1, 0, -ENOEXEC },
		{ "at 0", H(pref_address), 0, 0, -ENOEXEC },
		{ "below the first MiB", H(pref_address), MIB - 1, 0, -ENOEXEC },
		{ "unpacks behind RAM", H(init_size), 2 * MIB + 1, 0, -ENOMEM },
		{ "as much room as 32 bits name", H(init_size), UINT32_MAX, 0, -ENOMEM },
		{ "in the hole", H(pref_address), GPA_HOLE, 0, -ENOMEM },
		{ "address wraps", H(pref_address), UINT64_MAX - 4095, 0, -ENOMEM },
	};

	for (size_t n = 0; n < COUNT(bad); n++) {
		struct kernel k;
		struct err e;
		int rc;

		make_good();
		memcpy(file + bad[n].off, &bad[n].value, bad[n].len);
		rc = load(bad[n].size ? bad[n].size : FILE_BYTES, &k, &e);
		if (rc != bad[n].want)
			printf("# %s: got %d (%s)\n", bad[n].why, rc, e.text);
		CHECK(rc == bad[n].want && e.code == rc && e.text[0]);
	}
}

static void its_own_header_is_lost(void)
{
	struct boot_params *bp = (struct boot_params *)(void *)(ram + GPA_ZERO_PAGE);
	struct initrd i = { .at = 3 * MIB, .len = 5000 };
	struct kernel k;
	struct err e;

	make_good();
	header()->payload_offset = 0x1234;
	CHECK(load(FILE_BYTES, &k, &e) == 0);
	CHECK(boot_write_params(&mem, &k, "console=ttyS0", &i, GPA_ACPI, &e) == 0);
	CHECK(bp->hdr.version == 0x020f && bp->hdr.payload_offset == 0x1234);
	CHECK(bp->hdr.init_size == INIT_SIZE && bp->hdr.pref_address == 2 * MIB);
	CHECK(bp->hdr.type_of_loader == 0xff && bp->hdr.cmd_line_ptr == GPA_CMDLINE);
	CHECK(bp->hdr.setup_data == GPA_SETUP_DATA);
	CHECK(bp->hdr.ramdisk_image == 3 * MIB && bp->hdr.ramdisk_size == 5000);
	CHECK(strcmp((char *)ram + GPA_CMDLINE, "console=ttyS0") == 0);
}

static void a_command_line_is_cut(void)
{
	struct initrd none = { 0 };
	char line[42];
	struct kernel k;
	struct err e;

	make_good(); /* keeps 40 */
	CHECK(load(FILE_BYTES, &k, &e) == 0);
	memset(line, 'x', sizeof(line));
	line[41] = '\0';
	CHECK(boot_write_params(&mem, &k, line, &none, GPA_ACPI, &e) < 0 && strstr(e.text, "40"));
	line[40] = '\0';
	CHECK(boot_write_params(&mem, &k, line, &none, GPA_ACPI, &e) == 0);
}

int main(void)
{
	TEST(its_code_lies_elsewhere);
	TEST(a_file_without_the_last_padding_is_refused);
	TEST(a_bad_one_is_loaded);
	TEST(its_own_header_is_lost);
	TEST(a_command_line_is_cut);
	return check_done();
}
