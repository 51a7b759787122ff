/*
 * landlock - a process that can open no file and reach no network any more (landlock(7)).
 */
#include "vmm/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

/* struct landlock_ruleset_attr as of version 6; older kernels want what they do not know to be zero. */
struct rules {
	uint64_t fs, net, scoped;
};

/* What each version can refuse. All of it is refused: there are no exceptions to the rules. */
static const struct {
	int version;
	struct rules adds;
} grown[] = {
	{ 1, { .fs = 0x1fff } },  /* read, write, execute, list, make and remove of each kind */
	{ 2, { .fs = 1 << 13 } }, /* link and rename across folders */
	{ 3, { .fs = 1 << 14 } }, /* truncate by path */
	{ 4, { .net = 3 } },	  /* bind and connect of TCP */
	{ 5, { .fs = 1 << 15 } }, /* ioctls of devices opened from now on */
	{ 6, { .scoped = 3 } },	  /* abstract unix sockets and signals of others */
};

int landlock_version(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return v < 0 ? -errno : (int)v;
}

int landlock_enter(void)
{
	struct rules rules = { 0 };
	int version = landlock_version(), fd, rc = 0;

	if (version < 0)
		return version;
	for (size_t i = 0; i < COUNT(grown) && grown[i].version <= version; i++) {
		rules.fs |= grown[i].adds.fs;
		rules.net |= grown[i].adds.net;
		rules.scoped |= grown[i].adds.scoped;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		rc = -errno;
	fd_close(&fd);
	return rc;
}
