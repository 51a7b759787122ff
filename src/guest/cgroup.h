/*
 * cgroup - one cgroup2 per session, so that none of its processes escapes its end.
 *
 * They are made below our own cgroup, which is ours to divide (cgroup-v2.rst, "Delegation"). A
 * guest without a cgroup2 we may write to has none; sessions then end by their process group.
 */
#ifndef GUEST_CGROUP_H
#define GUEST_CGROUP_H

#include <stddef.h>

enum { CGROUPS_INHABITED = 256, CGROUPS_SPARE = 8 };

struct cgroups {
	int dir;       /* owned: our own cgroup; -1: there are no cgroups here */
	unsigned last; /* the highest number given */
	/* Of sessions that ended, with somebody still in them; 0: a free place. Each that is
	 * removed has one of them tried again; beyond these, they stay until an agent starts. */
	unsigned inhabited[CGROUPS_INHABITED];
	size_t next; /* which of them is tried next */
	/* Empty ones for sessions to come: making one costs more than all else of a start, where
	 * the memory controller is. */
	unsigned spare[CGROUPS_SPARE];
	size_t nspare;
};

#define CGROUPS_NONE ((struct cgroups){ .dir = -1 })

/* Finds out what there is; nothing is an answer too. */
void cgroups_open(struct cgroups *g);
void cgroups_close(struct cgroups *g);

/* A new one: *number names it (0: there are none here). Its folder for struct spawn, owned by
 * the caller; 0 where there are none. */
int cgroup_make(struct cgroups *g, unsigned *number);

/* SIGKILL to all in it. Number 0 is harmless, here and below. */
void cgroup_kill(const struct cgroups *g, unsigned number);

/* Nonzero when the kernel, out of memory, has killed in it. */
int cgroup_had_oom(const struct cgroups *g, unsigned number);

/* An empty one may be made again, unless it was killed: newer kernels kill whoever is born
 * into it then, too. Who still lives in it stays there, and the folder with him. */
void cgroup_remove(struct cgroups *g, unsigned number, int was_killed);

#endif
