/*
 * initrd - what the guest's initramfs is made of: the person's archive, then ours.
 *
 * The kernel unpacks archives one after the other and a later file replaces an earlier one, so
 * ours is last.
 */
#include "host/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "image/cpio.h"

int initrd_ours(const struct guest_desc *g, struct err *e)
{
	struct cpio c = CPIO_TO(memfd_create("initrd", MFD_CLOEXEC));
	static uint8_t text[DESC_BYTES_MAX];
	int rc, self = -1;
	long n;

	if (c.fd < 0)
		return err_sys(e, "make the guest's initrd");
	n = guest_desc_encode(g, text, sizeof(text));
	if (n < 0) {
		rc = err_set(e, (int)n, "what the guest is to become takes more than %d KiB",
			     DESC_BYTES_MAX >> 10);
		goto out;
	}
	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self < 0) {
		rc = err_sys(e, "make the guest's initrd: open /proc/self/exe");
		goto out;
	}
	/* Without them a guest with no initrd of its own has no console for its init. */
	cpio_folder(&c, "dev", 0755);
	cpio_device(&c, "dev/console", 0600, 5, 1);
	cpio_copy(&c, "init", 0755, self);
	cpio_file(&c, &GUEST_FILE[1], 0600, text, (size_t)n);
	rc = cpio_end(&c);
	if (rc < 0)
		err_set(e, rc, "make the guest's initrd: %s", strerror(-rc));
out:
	fd_close(&self);
	if (rc < 0)
		fd_close(&c.fd);
	return rc < 0 ? rc : c.fd;
}

int initrd_check(int fd, const char *path, struct err *e)
{
	static const struct {
		const char *bytes;
		size_t len;
	} magics[] = {
		{ "070701", 6 },
		{ "070702", 6 },
		{ "\x1f\x8b", 2 },
		{ "BZh", 3 },
		{ "\xfd"
		  "7zXZ",
		  5 },
		{ "\x5d\0\0", 3 },
		{ "\x89LZO", 4 },
		{ "\x28\xb5\x2f\xfd", 4 },
	};
	char head[8] = { 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return err_sys(e, "initrd %s", path);
	/* The kernel's lz4 decoder takes all that follows for its own. */
	if (!memcmp(head, "\x02\x21\x4c\x18", 4))
		return err_set(
			e, -EINVAL,
			"initrd %s: is lz4, behind which the kernel reads no second archive\n"
			"  try: unpack it, or compress it with gzip, xz or zstd",
			path);
	for (size_t i = 0; i < COUNT(magics); i++)
		if (!memcmp(head, magics[i].bytes, magics[i].len))
			return 0;
	return err_set(e, -EINVAL,
		       "initrd %s: is not an initramfs: neither a cpio archive (newc) nor a "
		       "compressed one",
		       path);
}
