/*
 * graves - folders of VMs that were being removed when whoever did it was killed.
 */
#include "host/graves.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

static const char prefix[] = ".removed.";

void grave_name(char out[GRAVE_NAME_ROOM], const char *vm)
{
	snprintf(out, GRAVE_NAME_ROOM, "%s%s.%d", prefix, vm, (int)getpid());
}

/* Its number may be another's by now: then it stays until that one has gone, too. */
static int is_abandoned(const char *name)
{
	const char *dot = strrchr(name, '.');
	long pid;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	pid = strtol(dot + 1, NULL, 10);
	return pid > 0 && pid <= INT32_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

int graves_sweep(const struct home *h, int remove, uint64_t *bytes, struct err *e)
{
	DIR *dir = home_list(h, e);
	struct dirent *d;
	int count = 0, rc = 0;

	if (!dir)
		return h->vms < 0 ? 0 : e->code;
	while (rc == 0 && (d = readdir(dir))) {
		if (!is_abandoned(d->d_name))
			continue;
		count++;
		*bytes += path_tree_bytes(h->vms, d->d_name);
		if (remove)
			rc = path_remove_tree(h->vms, d->d_name, e);
	}
	closedir(dir);
	return rc < 0 ? rc : count;
}
