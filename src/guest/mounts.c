/*
 * mounts - the file systems a process expects, and their orderly end.
 */
#include "guest/mounts.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/util.h"

struct early_mount {
	const char *type, *target;
	unsigned long flags;
	const char *options;
	mode_t mode; /* of the folder, where it has to be made */
};

static const struct early_mount table[] = {
	{ "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "", 0555 },
	{ "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, "", 0555 },
	{ "devtmpfs", "/dev", MS_NOSUID, "mode=0755", 0755 },
	/* ptmxmode: /dev/ptmx is a link into here, for everybody. */
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666", 0755 },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", 01777 },
	{ "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755", 0755 },
	{ "tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777", 01777 },
	/* As systemd mounts it, which takes it as it finds it. */
	{ "cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	  "nsdelegate,memory_recursiveprot", 0555 },
};

/* What programs open by name and devtmpfs does not make. */
static const struct {
	const char *to, *from;
} links[] = {
	{ "pts/ptmx", "/dev/ptmx" },	      { "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },  { "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

/* Options that a kernel does not know yet are done without. */
static int mount_one(const struct early_mount *m)
{
	const char *const options[] = { m->options, "" };

	if (mkdir(m->target, m->mode) < 0 && errno != EEXIST)
		return -errno;
	for (size_t i = 0; i < COUNT(options); i++) {
		/* EBUSY: mounted already, by the kernel (devtmpfs) or whoever ran before us. */
		if (mount(m->type, m->target, m->type, m->flags, options[i]) == 0 || errno == EBUSY)
			return 0;
		if (errno != EINVAL)
			break;
	}
	return -errno;
}

int mounts_make(struct err *e)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		int rc = mount_one(&table[i]);

		if (rc < 0 && e->code == 0)
			err_set(e, rc, "%s on %s: %s", table[i].type, table[i].target,
				strerror(-rc));
	}
	for (size_t i = 0; i < COUNT(links); i++) {
		struct stat st;

		/* devtmpfs has a ptmx of its own, which belongs to another devpts. */
		if (lstat(links[i].from, &st) == 0 && S_ISCHR(st.st_mode))
			unlink(links[i].from);
		(void)symlink(links[i].to, links[i].from);
	}
	return e->code;
}

/* /proc/mounts writes blanks and backslashes as three octal digits. In place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The last mounted of those on a device that is not `but`; 0 when there is none. */
static int last_on_disk(char target[LINES_ROOM], const char *but)
{
	struct lines l = LINES_INIT;
	char *line, *rest;
	int found = 0;

	if (lines_open(&l, "/proc/mounts") < 0)
		return 0;
	while ((line = lines_next(&l))) {
		if (strncmp(line, "/dev/", 5) || !(rest = strchr(line, ' ')))
			continue;
		rest[1 + strcspn(rest + 1, " ")] = '\0';
		unescape(++rest);
		if (strcmp(rest, but) && strcmp(rest, "/")) {
			strcpy(target, rest); /* both hold a line */
			found = 1;
		}
	}
	lines_close(&l);
	return found;
}

void mounts_settle(void)
{
	static char target[LINES_ROOM], stuck[LINES_ROOM];

	/* One that stays busy would come up for ever: it is skipped once, then ends the search. */
	while (last_on_disk(target, stuck)) {
		if (umount2(target, 0) == 0)
			continue;
		mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY, NULL);
		if (stuck[0])
			break;
		strcpy(stuck, target);
	}
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

int mounts_are_written(void)
{
	struct lines l = LINES_INIT;
	char *line;
	int found = 0;

	if (lines_open(&l, "/proc/mounts") < 0)
		return 1;
	while (!found && (line = lines_next(&l))) {
		const char *source = strsep(&line, " "), *target = strsep(&line, " ");
		const char *type = strsep(&line, " ");

		found = target && type && line && !strncmp(source, "/dev/", 5) &&
			!strncmp(line, "rw", 2);
	}
	lines_close(&l);
	return found;
}
