/* The archive that vmtool puts into a guest, read as the kernel would. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "host/initrd.h"

struct file {
	char name[64];
	unsigned mode, major, minor;
	size_t len;
	const char *data;
};

static unsigned field(const char *head, int nth)
{
	char text[9] = { 0 };

	memcpy(text, head + 6 + 8 * nth, 8);
	return (unsigned)strtoul(text, NULL, 16);
}

/* The entry at *at, which then stands at the next; 0 at the trailer or at what is no entry. */
static int next(struct file *f, const char *all, size_t len, size_t *at)
{
	const char *head = all + *at;
	size_t name_len;

	if (*at % 4 || *at + 110 > len || memcmp(head, "070701", 6))
		return 0;
	name_len = field(head, 11);
	snprintf(f->name, sizeof(f->name), "%s", head + 110);
	f->mode = field(head, 1);
	f->len = field(head, 6);
	f->major = field(head, 9);
	f->minor = field(head, 10);
	*at = ALIGN_UP(*at + 110 + name_len, (size_t)4);
	f->data = all + *at;
	*at = ALIGN_UP(*at + f->len, (size_t)4);
	return strlen(f->name) + 1 == name_len && strcmp(f->name, "TRAILER!!!") != 0;
}

static void the_kernel_cannot_read_it(void)
{
	static struct guest_desc desc, back;
	struct err e = ERR_NONE;
	struct file f[8] = { 0 };
	struct stat st, self;
	size_t at = 0;
	char *all;
	int fd, n = 0;

	guest_desc_init(&desc);
	desc.boot = "01234567-89ab-cdef-0123-456789abcdef";
	desc.hostname = "web";
	fd = initrd_ours(&desc, &e);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	all = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	while (n < 8 && next(&f[n], all, (size_t)st.st_size, &at))
		n++;
	CHECK(n == 4);
	CHECK(at == (size_t)st.st_size);
	CHECK(!strcmp(f[0].name, "dev") && f[0].mode == (S_IFDIR | 0755));
	CHECK(!strcmp(f[1].name, "dev/console") && f[1].mode == (S_IFCHR | 0600));
	CHECK(f[1].major == 5 && f[1].minor == 1);
	CHECK(stat("/proc/self/exe", &self) == 0);
	CHECK(!strcmp(f[2].name, "init") && f[2].mode == (S_IFREG | 0755));
	CHECK(f[2].len == (size_t)self.st_size && !memcmp(f[2].data, "\177ELF", 4));
	CHECK(!strcmp(f[3].name, &GUEST_FILE[1]) && f[3].mode == (S_IFREG | 0600));
	CHECK(guest_desc_decode(&back, f[3].data, f[3].len) == 0);
	CHECK(!strcmp(back.boot, desc.boot) && !strcmp(back.hostname, "web"));
	munmap(all, (size_t)st.st_size);
	fd_close(&fd);
}

static void what_cannot_be_one_is_taken(void)
{
	static const struct {
		const char *why, *head;
		size_t len;
		int rc;
	} cases[] = {
		{ "cpio", "070701000000", 12, 0 },
		{ "gzip", "\x1f\x8b\x08", 3, 0 },
		{ "zstd", "\x28\xb5\x2f\xfd....", 8, 0 },
		{ "xz",
		  "\xfd"
		  "7zXZ\0..",
		  8, 0 },
		{ "old lz4", "\x02\x21\x4c\x18....", 8, -22 },
		{ "an ELF file", "\177ELF....", 8, -22 },
		{ "text", "#!/bin/sh", 9, -22 },
		{ "one byte", "0", 1, -22 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		int fd = memfd_create("test", MFD_CLOEXEC);

		CHECK(fd_write_all(fd, cases[i].head, cases[i].len) == 0);
		printf("# %s\n", cases[i].why);
		CHECK(initrd_check(fd, "x", &e) == cases[i].rc);
		fd_close(&fd);
	}
}

int main(void)
{
	TEST(the_kernel_cannot_read_it);
	TEST(what_cannot_be_one_is_taken);
	return check_done();
}
