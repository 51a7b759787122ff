/*
 * mount - one file system where it is wanted, described as a line of fstab(5) would.
 */
#include "guest/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/util.h"

enum { DATA_ROOM = 4096 }; /* the kernel takes a page */

struct options {
	unsigned long flags;
	char data[DATA_ROOM]; /* what is the file system's own */
};

/* The words of mount(8) that are flags of mount(2); what clears one is here too. */
static const struct {
	const char *word;
	unsigned long set, clear;
} words[] = {
	{ "defaults", 0, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "bind", MS_BIND, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
};

static int take_word(struct options *o, const char *word, size_t len)
{
	size_t used = strlen(o->data);

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strlen(words[i].word) != len || memcmp(words[i].word, word, len) != 0)
			continue;
		o->flags = (o->flags | words[i].set) & ~words[i].clear;
		return 0;
	}
	if (used + len + 2 > sizeof(o->data))
		return -EMSGSIZE;
	if (used)
		o->data[used++] = ',';
	memcpy(o->data + used, word, len);
	o->data[used + len] = '\0';
	return 0;
}

static int take_options(struct options *o, const char *text)
{
	int rc = 0;

	while (*text && rc == 0) {
		size_t len = strcspn(text, ",");

		rc = len ? take_word(o, text, len) : 0;
		text += len + (text[len] == ',');
	}
	return rc;
}

/* The folders above `path`, and it itself where it ends in a slash. */
static int make_folders(const char *path)
{
	char part[PATH_ROOM];

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		size_t len = (size_t)(at - path);

		if (len >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, path, len);
		part[len] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EROFS)
			return -errno;
	}
	return 0;
}

static int make_target(const char *path, int is_file)
{
	struct stat st;
	int fd, rc;

	if (stat(path, &st) == 0)
		return 0;
	rc = make_folders(path);
	if (rc < 0)
		return rc;
	if (!is_file)
		return mkdir(path, 0755) < 0 ? -errno : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	rc = fd < 0 ? -errno : 0;
	fd_close(&fd);
	return rc;
}

/* A bind takes no other flags at first: they are those of what it shows. */
static int mount_bind(const struct desc_mount *m, const struct options *o)
{
	const unsigned long rest = o->flags & ~(unsigned long)(MS_BIND | MS_REC);

	if (mount(m->source, m->target, NULL, MS_BIND | (o->flags & MS_REC), NULL) < 0)
		return -errno;
	if (rest && mount(NULL, m->target, NULL, MS_BIND | MS_REMOUNT | rest, NULL) < 0) {
		int rc = -errno;

		umount2(m->target, MNT_DETACH); /* better none than one that may be written to */
		return rc;
	}
	return 0;
}

int mount_one(const struct desc_mount *m, struct err *e)
{
	struct options o = { .flags = strcmp(m->type, "bind") ? 0 : MS_BIND };
	struct stat st;
	int rc = take_options(&o, m->options), is_file = 0;

	if (rc < 0)
		return err_set(e, rc, "%s: more options than a page holds", m->target);
	if (o.flags & MS_BIND) {
		if (stat(m->source, &st) < 0)
			return err_sys(e, "%s: its source %s", m->target, m->source);
		is_file = !S_ISDIR(st.st_mode);
	}
	rc = make_target(m->target, is_file);
	if (rc < 0)
		return err_set(e, rc, "make %s: %s", m->target, strerror(-rc));
	if (o.flags & MS_BIND)
		rc = mount_bind(m, &o);
	else if (mount(m->source, m->target, m->type, o.flags, o.data) < 0)
		rc = -errno;
	return rc < 0 ? err_set(e, rc, "%s (%s) on %s: %s", m->source, m->type, m->target,
				strerror(-rc))
		      : 0;
}
