/*
 * execd - run commands for the host, one connection per command.
 *
 * A connection ends when its command's exit status has been sent, or when its peer has gone;
 * the command is then ended too. One thread, one loop; nothing here blocks. The peer is the
 * host, or in tests whoever may open the unix socket; what it says is checked all the same.
 */
#ifndef GUEST_EXECD_H
#define GUEST_EXECD_H

#include "base/listener.h"
#include "guest/reap.h"

struct execd;

struct execd_options {
	const char *vm, *boot; /* borrowed for good; "" for none */
	unsigned idle_ms;      /* how long a peer may take to ask; 0: 30 s */
	/* The command started with EXEC_MAIN has ended, and the host has heard it all or is gone.
	 * NULL: EXEC_MAIN means nothing here. */
	void (*main_ended)(void *owner, const struct exec_status *s);
	/* A connection has ended; NULL: nobody cares. */
	void (*released)(void *owner);
	void *owner;
};

/* Serves `listen_fd` (taken over, non-blocking) from the loop on. reap must be collected by the
 * caller when SIGCHLD comes. NULL with errno set on failure. */
struct execd *execd_open(struct loop *l, struct reap *r, int listen_fd,
			 const struct execd_options *o);

/* Where connections come in, for whoever brings some himself. */
struct listener *execd_listener(struct execd *d);

/* From now on commands are refused: the guest is powering off. */
void execd_refuse(struct execd *d);

/* The main process: pid 0 and status.end 0 when there never was one. */
struct execd_main {
	pid_t pid;		   /* 0 unless it runs */
	struct exec_status status; /* once it has ended */
};

struct execd_main execd_main(const struct execd *d);

/* To the process groups of the commands that run, the main process excepted; 0: to none, they are
 * only counted. How many. */
unsigned execd_signal_all(struct execd *d, int sig);

/* Nonzero while somebody has not yet heard how his command ended. */
int execd_is_awaited(const struct execd *d);

#endif
