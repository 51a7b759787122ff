/*
 * cpio - writes an initramfs archive.
 */
#include "image/cpio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/util.h"

enum { ENTRY_ROOM = 512 };

struct entry {
	const char *name;
	mode_t mode;
	unsigned major, minor; /* of a device node */
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

static void put_header(struct cpio *c, const struct entry *f, size_t len)
{
	char head[ENTRY_ROOM];
	int n;

	/* magic ino mode uid gid nlink mtime size dev(2) rdev(2) name-size check */
	n = snprintf(head, sizeof(head),
		     "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X%s", ++c->ino,
		     (unsigned)f->mode, 0u, 0u, S_ISDIR(f->mode) ? 2u : 1u, 0u, len, 0u, 0u,
		     f->major, f->minor, strlen(f->name) + 1, 0u, f->name);
	if ((size_t)n >= sizeof(head) || len > UINT32_MAX) {
		if (c->rc == 0)
			c->rc = -ENAMETOOLONG;
		return;
	}
	put(c, head, (size_t)n + 1);
	pad(c, (size_t)n + 1);
}

static void put_entry(struct cpio *c, const struct entry *f, const void *data, size_t len)
{
	put_header(c, f, len);
	put(c, data, len);
	pad(c, len);
}

void cpio_folder(struct cpio *c, const char *name, mode_t mode)
{
	put_entry(c, &(struct entry){ name, S_IFDIR | mode, 0, 0 }, NULL, 0);
}

void cpio_device(struct cpio *c, const char *name, mode_t mode, unsigned major, unsigned minor)
{
	put_entry(c, &(struct entry){ name, S_IFCHR | mode, major, minor }, NULL, 0);
}

void cpio_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len)
{
	put_entry(c, &(struct entry){ name, S_IFREG | mode, 0, 0 }, data, len);
}

void cpio_copy(struct cpio *c, const char *name, mode_t mode, int from)
{
	struct stat st;
	off_t done = 0;

	if (c->rc == 0 && fstat(from, &st) < 0)
		c->rc = -errno;
	if (c->rc < 0)
		return;
	put_header(c, &(struct entry){ name, S_IFREG | mode, 0, 0 }, (size_t)st.st_size);
	while (c->rc == 0 && done < st.st_size) {
		ssize_t n = sendfile(c->fd, from, &done, (size_t)(st.st_size - done));

		if (n <= 0 && !(n < 0 && errno == EINTR))
			c->rc = n < 0 ? -errno : -EIO;
	}
	pad(c, (size_t)st.st_size);
}

int cpio_end(struct cpio *c)
{
	put_entry(c, &(struct entry){ "TRAILER!!!", 0, 0, 0 }, NULL, 0);
	return c->rc;
}
