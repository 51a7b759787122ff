/*
 * cgroup - one cgroup2 per session, so that none of its processes escapes its end.
 */
#include "guest/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/lines.h"
#include "base/util.h"

#define PREFIX "vmtool-"

enum { NAME_ROOM = 64 };

/* Where cgroup2 is mounted, the hybrid layout of older systemds included. */
static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* Our own cgroup below the mount, with its '/' in front: the line "0::/..." of cgroups(7). */
static int own_path(char *out, size_t room)
{
	struct lines l = LINES_INIT;
	char *line;
	int found = 0;

	if (lines_open(&l, "/proc/self/cgroup") < 0)
		return 0;
	while (!found && (line = lines_next(&l)))
		if (!strncmp(line, "0::/", 4))
			found = snprintf(out, room, "%s", line + 3) < (int)room;
	lines_close(&l);
	return found;
}

static int write_file(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = (int)fd_write(fd, text, strlen(text));
	fd_close(&fd);
	return rc < 0 ? rc : 0;
}

static void file_of(char out[NAME_ROOM], unsigned number, const char *file)
{
	snprintf(out, NAME_ROOM, PREFIX "%d-%u%s", (int)getpid(), number, file);
}

void cgroups_close(struct cgroups *g)
{
	fd_close(&g->dir);
}

/* A new folder's number; 0: it cannot be made. */
static unsigned make_folder(struct cgroups *g)
{
	char name[NAME_ROOM];
	int rc;

	/* One that is there is inhabited, since an agent that had our pid before us. */
	do
		file_of(name, ++g->last, "");
	while ((rc = mkdirat(g->dir, name, 0755)) < 0 && errno == EEXIST);
	return rc < 0 ? 0 : g->last;
}

int cgroup_make(struct cgroups *g, unsigned *number)
{
	char name[NAME_ROOM];
	int fd;

	*number = 0;
	if (g->dir >= 0)
		*number = g->nspare > 0 ? g->spare[--g->nspare] : make_folder(g);
	if (*number == 0)
		return 0;
	file_of(name, *number, "");
	fd = openat(g->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd > 0)
		return fd;
	cgroup_remove(g, *number, 1);
	*number = 0;
	return 0;
}

void cgroup_kill(const struct cgroups *g, unsigned number)
{
	char path[NAME_ROOM];

	if (number == 0)
		return;
	file_of(path, number, "/cgroup.kill");
	(void)write_file(g->dir, path, "1");
}

int cgroup_had_oom(const struct cgroups *g, unsigned number)
{
	char path[NAME_ROOM], text[512];
	const char *at;

	if (number == 0)
		return 0;
	file_of(path, number, "/memory.events");
	if (fd_slurp(g->dir, path, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "\noom_kill ");
	return at && strtoul(at + 10, NULL, 10) > 0;
}

static int try_remove(struct cgroups *g, unsigned number)
{
	char name[NAME_ROOM];

	file_of(name, number, "");
	return unlinkat(g->dir, name, AT_REMOVEDIR);
}

static void try_one_again(struct cgroups *g)
{
	unsigned *again = &g->inhabited[g->next++ % CGROUPS_INHABITED];

	if (*again && try_remove(g, *again) == 0)
		*again = 0;
}

/* Nonzero when it is as good as new. */
static int is_clean(const struct cgroups *g, unsigned number)
{
	char path[NAME_ROOM], text[256];

	file_of(path, number, "/cgroup.events");
	return fd_slurp(g->dir, path, text, sizeof(text)) > 0 && strstr(text, "populated 0") &&
	       !cgroup_had_oom(g, number);
}

void cgroup_remove(struct cgroups *g, unsigned number, int was_killed)
{
	if (number == 0)
		return;
	try_one_again(g);
	if (!was_killed && g->nspare < CGROUPS_SPARE && is_clean(g, number)) {
		g->spare[g->nspare++] = number;
		return;
	}
	if (try_remove(g, number) == 0 || errno != EBUSY)
		return;
	for (size_t i = 0; i < CGROUPS_INHABITED; i++) {
		if (g->inhabited[i] == 0) {
			g->inhabited[i] = number;
			return;
		}
	}
}

/* Those that agents before us have left, as far as they are empty by now. */
static void sweep(struct cgroups *g)
{
	int fd = openat(g->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), agent;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(d)))
		if (sscanf(entry->d_name, PREFIX "%d-", &agent) == 1 && kill(agent, 0) < 0 &&
		    errno == ESRCH)
			unlinkat(g->dir, entry->d_name, AT_REMOVEDIR);
	closedir(d);
}

/* Nonzero when cgroups can be made in it, and can be killed (Linux 5.14). */
static int is_usable(struct cgroups *g)
{
	unsigned number;
	int fd = cgroup_make(g, &number), good;
	char kill_file[NAME_ROOM];

	if (fd == 0)
		return 0;
	fd_close(&fd);
	file_of(kill_file, number, "/cgroup.kill");
	good = faccessat(g->dir, kill_file, W_OK, 0) == 0;
	cgroup_remove(g, number, 1);
	return good;
}

void cgroups_open(struct cgroups *g)
{
	char own[256], path[512];

	*g = CGROUPS_NONE;
	if (!own_path(own, sizeof(own)))
		return;
	for (size_t i = 0; i < COUNT(mounts); i++) {
		snprintf(path, sizeof(path), "%s%s", mounts[i], own);
		g->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (g->dir >= 0 && is_usable(g)) {
			/* For memory.events. Refused below the root while we live there ourselves.
			 * A start costs no more for it: 4.34 ms with and without in the lab's
			 * counted time, for folders are used again. */
			(void)write_file(g->dir, "cgroup.subtree_control", "+memory");
			sweep(g);
			return;
		}
		fd_close(&g->dir);
	}
}
