/*
 * initrd - what the guest's initramfs is made of: the person's archive, then ours.
 *
 * "newc" cpio (Linux, Documentation/driver-api/early-userspace/buffer-format.rst): a header of
 * thirteen 8-digit hexadecimal fields, the name, the data, each padded to 4 bytes. The kernel
 * unpacks archives one after the other and a later file replaces an earlier one, so ours is last.
 */
#include "host/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

enum { ENTRY_ROOM = 256 };

struct cpio {
	int fd;
	unsigned ino;
	int rc; /* the first failure: sticks */
};

static void put(struct cpio *c, const void *data, size_t len)
{
	if (c->rc == 0)
		c->rc = fd_write_all(c->fd, data, len);
}

/* From an offset that was aligned, len bytes on. */
static void pad(struct cpio *c, size_t len)
{
	put(c, "\0\0\0", ALIGN_UP(len, (size_t)4) - len);
}

struct entry {
	const char *name; /* without a leading slash */
	mode_t mode;
	unsigned major, minor; /* of a device node */
};

static void put_header(struct cpio *c, const struct entry *f, size_t len)
{
	char head[ENTRY_ROOM];
	int n;

	/* magic ino mode uid gid nlink mtime size dev(2) rdev(2) name-size check */
	n = snprintf(head, sizeof(head),
		     "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X%s", ++c->ino,
		     (unsigned)f->mode, 0u, 0u, S_ISDIR(f->mode) ? 2u : 1u, 0u, len, 0u, 0u,
		     f->major, f->minor, strlen(f->name) + 1, 0u, f->name);
	put(c, head, (size_t)n + 1);
	pad(c, (size_t)n + 1);
}

static void put_entry(struct cpio *c, const struct entry *f, const void *data, size_t len)
{
	put_header(c, f, len);
	put(c, data, len);
	pad(c, len);
}

static void put_self(struct cpio *c, const struct entry *f)
{
	struct stat st;
	off_t done = 0;
	int self;

	if (c->rc < 0)
		return;
	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self < 0 || fstat(self, &st) < 0) {
		c->rc = -errno;
		fd_close(&self);
		return;
	}
	put_header(c, f, (size_t)st.st_size);
	while (c->rc == 0 && done < st.st_size) {
		ssize_t n = sendfile(c->fd, self, &done, (size_t)(st.st_size - done));

		if (n <= 0 && !(n < 0 && errno == EINTR))
			c->rc = n < 0 ? -errno : -EIO;
	}
	pad(c, (size_t)st.st_size);
	fd_close(&self);
}

int initrd_ours(const struct guest_desc *g, struct err *e)
{
	static const struct entry dev = { "dev", S_IFDIR | 0755, 0, 0 };
	static const struct entry console = { "dev/console", S_IFCHR | 0600, 5, 1 };
	static const struct entry init = { "init", S_IFREG | 0755, 0, 0 };
	static const struct entry desc = { &GUEST_FILE[1], S_IFREG | 0600, 0, 0 };
	static const struct entry trailer = { "TRAILER!!!", 0, 0, 0 };
	struct cpio c = { .fd = memfd_create("initrd", MFD_CLOEXEC) };
	static uint8_t text[DESC_BYTES_MAX];
	long n;

	if (c.fd < 0)
		return err_sys(e, "make the guest's initrd");
	n = guest_desc_encode(g, text, sizeof(text));
	if (n < 0) {
		fd_close(&c.fd);
		return err_set(e, (int)n, "what the guest is to become takes more than %d KiB",
			       DESC_BYTES_MAX >> 10);
	}
	/* Without them a guest with no initrd of its own has no console for its init. */
	put_entry(&c, &dev, NULL, 0);
	put_entry(&c, &console, NULL, 0);
	put_self(&c, &init);
	put_entry(&c, &desc, text, (size_t)n);
	put_entry(&c, &trailer, NULL, 0);
	if (c.rc < 0) {
		fd_close(&c.fd);
		return err_set(e, c.rc, "make the guest's initrd: %s", strerror(-c.rc));
	}
	return c.fd;
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
