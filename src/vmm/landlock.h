/*
 * landlock - a process that can open no file and reach no network any more (landlock(7)).
 *
 * Behind the filter of system calls (vmm/sandbox) it is the second lock: by what a call is for, not by
 * its number. What is open stays usable, and a unix socket is still connected to by its path.
 */
#ifndef VMM_LANDLOCK_H
#define VMM_LANDLOCK_H

/* The version of the host's Landlock, 1 or more; or a negative errno: it has none. */
int landlock_version(void);

/* Of the process, before it has threads and once it may gain no privileges. 0 or a negative errno. */
int landlock_enter(void);

#endif
