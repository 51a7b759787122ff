/*
 * execd - the connections of ports 4089 and 4090: commands for the host, with pipes or a terminal.
 *
 * A connection starts a session or attaches to one, carries its frames, and ends when the exit
 * status has been sent, or when its peer has gone; guest/session says what becomes of the command
 * then. One thread, one loop; nothing here blocks. The peer is the host, or in tests whoever may
 * open the unix socket; what it says is checked all the same.
 */
#ifndef GUEST_EXECD_H
#define GUEST_EXECD_H

#include "base/listener.h"
#include "guest/reap.h"
#include "guest/session.h"

struct execd;

/* Where connections come in. A session is started where its request belongs, and may be attached
 * to through both. */
enum execd_door {
	EXECD_PIPES,	 /* port 4089 */
	EXECD_TERMINALS, /* port 4090: requests with EXEC_TTY */
	EXECD_DOORS,
};

struct execd_options {
	const char *vm, *boot; /* borrowed for good; "" for none */
	unsigned idle_ms;      /* how long a peer may take to ask; 0: 30 s */
	unsigned grace_ms;     /* between HUP, TERM and KILL; 0: 2 s */
	/* The command started with EXEC_MAIN has ended, and the host has heard it all or is gone.
	 * NULL: EXEC_MAIN means nothing here. */
	void (*main_ended)(void *owner, const struct exec_status *s);
	/* A connection has ended; NULL: nobody cares. */
	void (*released)(void *owner);
	void *owner;
};

/* reap must be collected by the caller when SIGCHLD comes. NULL with errno set on failure. */
struct execd *execd_open(struct loop *l, struct reap *r, const struct execd_options *o);

/* Serves `listen_fd` (taken over, non-blocking; -1: the listener is given connections) from the
 * loop on. 0 or a negative errno. */
int execd_serve(struct execd *d, enum execd_door door, int listen_fd);

/* Where connections come in, for whoever brings some himself. */
struct listener *execd_listener(struct execd *d, enum execd_door door);

/* Its sessions, for whoever starts or watches one himself. */
struct sessions *execd_sessions(struct execd *d);

/* From now on commands are refused: the guest is powering off. */
void execd_refuse(struct execd *d);

/* Nonzero while somebody has not yet heard how his command ended. */
int execd_is_awaited(const struct execd *d);

#endif
