/*
 * otherinit - a process 1 that is not ours, and how to ask it to power the machine off.
 */
#ifndef GUEST_OTHERINIT_H
#define GUEST_OTHERINIT_H

#include <signal.h>

/* What each init calls a poweroff. */
struct otherinit {
	const char *name;
	int signal;	  /* to process 1; 0: there is none, so: */
	const char *path; /* the program that is run */
};

/* Which one process 1 is: `exe` is where /proc/1/exe leads ("" when nobody may know), has_systemd
 * whether /run/systemd/system is there. Never NULL. */
const struct otherinit *otherinit_of(const char *exe, int has_systemd);

/* Asks the one of this machine. 0 or a negative errno: -EPERM when that takes root. */
int otherinit_poweroff(void);

#endif
