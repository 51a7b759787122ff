/* A mount of the description's, in a mount namespace that only this process sees. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "check.h"
#include "guest/mount.h"
#include "own_mounts.h"

static char base[] = "/tmp/mount_test.XXXXXX";
static const char *lack; /* of what these need; NULL: nothing */

static void file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int holds(const char *path, const char *text)
{
	char got[64] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, got, sizeof(got) - 1);

	close(fd);
	return n >= 0 && !strcmp(got, text);
}

static int is_read_only(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 && (st.f_flag & ST_RDONLY);
}

static void one_file_is_not_mounted_or_can_be_written(void)
{
	const struct desc_mount ro = { "one", "deep/below/shown", "bind", "ro" };
	const struct desc_mount rw = { "one", "other", "bind", "" };
	struct err e = ERR_NONE;

	if (lack)
		SKIP(lack);
	file("one", "text");
	CHECK(mount_one(&ro, &e) == 0 && holds("deep/below/shown", "text"));
	CHECK(is_read_only("deep/below/shown"));
	CHECK(open("deep/below/shown", O_WRONLY) < 0 && errno == EROFS);
	file("one", "news");
	CHECK(holds("deep/below/shown", "news"));
	CHECK(mount_one(&rw, &e) == 0 && !is_read_only("other"));
	file("other", "back");
	CHECK(holds("one", "back") && holds("deep/below/shown", "back"));
}

static void a_source_that_is_missing_is_passed_over(void)
{
	const struct desc_mount m = { "nowhere", "target", "bind", "ro" };
	struct err e = ERR_NONE;

	if (lack)
		SKIP(lack);
	CHECK(mount_one(&m, &e) == -ENOENT);
	CHECK(strstr(e.text, "target: its source nowhere: No such file"));
	CHECK(access("target", F_OK) < 0); /* nothing half made */
}

static void a_file_system_nobody_knows_is_not_named(void)
{
	const struct desc_mount m = { "none", "made/here", "nosuchfs", "ro" };
	struct err e = ERR_NONE;

	if (lack)
		SKIP(lack);
	CHECK(mount_one(&m, &e) == -ENODEV);
	CHECK(strstr(e.text, "none (nosuchfs) on made/here: No such device"));
}

int main(void)
{
	lack = own_mounts_lack();
	if (!mkdtemp(base))
		return 1;
	if (!lack && (own_mounts() != 0 || mount("none", base, "tmpfs", 0, "") < 0))
		return 1;
	if (chdir(base) < 0)
		return 1;
	TEST(one_file_is_not_mounted_or_can_be_written);
	TEST(a_source_that_is_missing_is_passed_over);
	TEST(a_file_system_nobody_knows_is_not_named);
	if (chdir("/") == 0 && !lack)
		umount(base);
	rmdir(base);
	return check_done();
}
