/*
 * known - one VM as it is now: its folder, and what is true of it.
 */
#ifndef HOST_KNOWN_H
#define HOST_KNOWN_H

#include "host/state.h"
#include "host/store.h"

struct known {
	struct home home;
	struct vmref ref; /* borrows home: a struct known stays where it is */
	struct state state;
};

#define KNOWN_NONE ((struct known){ .home = HOME_NONE, .ref = VMREF_NONE })

/* 0, or as store_find() and state_read() with *e filled. One whose agent has died gets another
 * (host/orphan). */
int known_find(struct known *k, const char *name, struct err *e);

/* The same for whoever is about to end what runs: a start that has only the lock so far is waited for, until it
 * runs or has let go. -EBUSY with *e filled: whoever is at work on it takes longer than any word should. */
int known_find_settled(struct known *k, const char *name, struct err *e);

/* And -ESRCH with *e filled when it does not run then. */
int known_find_live(struct known *k, const char *name, struct err *e);

void known_close(struct known *k);

#endif
