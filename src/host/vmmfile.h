/*
 * vmmfile - vmm.status: what a vmm process says of itself, for whoever looks after the VM then.
 *
 * The file is locked by the vmm process itself, with the descriptor it was given, from before its
 * first instruction to its death. So whether a VM's machine is there is never guessed: the lock
 * tells, and the kernel tells whose it is. What it says are frames, one behind the other; zeros
 * stand where nothing has been said yet, so that a full disk cannot swallow the last words.
 */
#ifndef HOST_VMMFILE_H
#define HOST_VMMFILE_H

#include "host/store.h"
#include "proto/spec.h"

struct vmmwords {
	int paused;	    /* its CPUs stand still */
	uint8_t continued;  /* another number: it was stopped meanwhile, and goes on */
	struct vmm_trouble trouble[VMM_TROUBLES_MAX];
	unsigned troubles;
	int ran;	    /* the first instruction was to run */
	const char *reason; /* contracts.md's word; NULL while it has not told its end */
	char detail[VMM_TEXT_MAX];
};

/* An empty file, locked. What holds the lock, for the vmm and owned by the caller; -EBUSY: the
 * VM's machine is there already; or negative with *e filled, in that case as well. */
int vmmfile_make(const struct vmref *v, struct err *e);

/* One in memory alone, and not locked. The fd, owned by the caller, or negative with *e filled. */
int vmmfile_make_bare(struct err *e);

/* To read what is said. The fd, owned by the caller, or a negative errno. */
int vmmfile_open(const struct vmref *v);

/* Everything said so far. What cannot be a frame ends it. */
void vmmfile_read(struct vmmwords *w, int fd);

/* 1 when the machine is there, 0 when not, or a negative errno. */
int vmmfile_is_held(const struct vmref *v);

/* A pidfd of the process, owned by the caller, and its number. Waits for one that has only just
 * been made. -ESRCH when it is no more. */
int vmmfile_process(const struct vmref *v, pid_t *pid, int wait_ms);

/* SIGKILLs it and waits until it is no more. 0, also when there is none, or a negative errno. */
int vmmfile_kill(const struct vmref *v, int wait_ms);

#endif
