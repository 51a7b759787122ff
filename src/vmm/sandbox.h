/*
 * sandbox - what a vmm process may still ask of the host's kernel.
 *
 * A guest's bytes are handled here: should one of them ever take the process over, it finds no file to
 * open, no program to start and few system calls. What each kind of thread needs stands in one table
 * (sandbox.c). What does not stand there is not done, its name is told, and the process ends.
 */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

enum sandbox_thread {
	SANDBOX_LOOP = 1, /* all devices */
	SANDBOX_VCPU = 2, /* and what a guest does to a register */
	SANDBOX_DISK = 4,
};

/* 0: the host's kernel filters system calls; or a negative errno. */
int sandbox_offered(void);

/* Of the process, before it has threads: no new privileges. `ended` is called on whichever thread
 * breaks a rule, as a signal handler; the process ends when it returns. 0 or a negative errno. */
int sandbox_begin(void (*ended)(const char *why));

/* The calling thread, for the rest of its life. A no-op without sandbox_begin(). */
void sandbox_enter(enum sandbox_thread kind);

#endif
