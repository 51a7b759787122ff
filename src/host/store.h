/*
 * store - the folders of VMs: making, finding, owning and removing one.
 *
 * Whoever changes anything in a VM's folder holds its lock: the starter until its agent runs,
 * then the agent for its life, else rm.
 */
#ifndef HOST_STORE_H
#define HOST_STORE_H

#include "base/err.h"
#include "host/home.h"
#include "host/procid.h"

enum { VM_NAME_ROOM = 64 };

struct vmref {
	const struct home *home; /* borrowed: outlives its VMs */
	char name[VM_NAME_ROOM];
	int dir;  /* owned */
	int lock; /* owned; -1 while the lock is not ours */
};

#define VMREF_NONE ((struct vmref){ .dir = -1, .lock = -1 })

/* By what a person typed: its name, or an id or the beginning of one (host/vmid.h) that no other VM
 * has. 0; wrong usage; -ENOTUNIQ; or -ENOENT, all with a sentence. */
int store_find(struct vmref *v, const struct home *h, const char *name, struct err *e);

/* The same, of what may not be there: its name, or what was typed. 0, or negative with *e filled. */
int store_name(char out[VM_NAME_ROOM], const struct home *h, const char *name, struct err *e);

/* Finds or makes the folder and takes its lock. 1: made just now; 0: it was there; -EBUSY with
 * v open but not locked: somebody has it; or negative with *e filled. */
int store_own(struct vmref *v, const struct home *h, const char *name, struct err *e);

/* Takes the lock of an open VM. 0; -EBUSY: somebody has it; -ESTALE: the VM has been removed; or
 * negative with *e filled, in these two cases as well. */
int store_lock(struct vmref *v, struct err *e);

/* 1 when somebody has the lock, we included. */
int store_is_locked(const struct vmref *v);
int store_is_locked_by_name(const struct home *h, const char *name);

/* Who says it has the lock, and lives. 0 or -ESRCH. */
int store_holder(const struct vmref *v, struct procid *who);

/* Tells others that the lock is ours; for one that came with its descriptor. */
void store_sign(const struct vmref *v);

/* -EBUSY, and who has the lock, as far as can be known. */
int store_busy(const struct vmref *v, struct err *e);

/* The lock must be ours. Another name, which must be free: -EEXIST. 0 or negative with *e filled. */
int store_rename(struct vmref *v, const char *name, struct err *e);

/* The lock must be ours. Leaves v closed. 0 or negative with *e filled. */
int store_remove(struct vmref *v, struct err *e);

void store_close(struct vmref *v);

/* Sorted names of all VMs; *names is the caller's to free; returns their number. */
int store_names(const struct home *h, char (**names)[VM_NAME_ROOM], struct err *e);

#endif
