/*
 * session - a command's life, which may outlast the connections that look at it.
 *
 *	RUNNING   the child runs. Nobody attached: by its policy it is ended (EXEC_KILL), waits for
 *	          hold_ms (EXEC_HOLD), or just runs (EXEC_DETACH).
 *	DRAINING  the status is here, the output perhaps not all of it: what lay in the pipe when
 *	          the child ended is never cut; of whoever else holds the pipe we hear until he is
 *	          silent for 200 ms, 2 s at most.
 *	ENDED     nothing more will come. A viewer is told when he has had all output. The status
 *	          and what is kept stay: hold_ms, or 10 minutes if detached, or until the place is
 *	          needed. EXEC_KILL: until its viewer has gone.
 *
 * Back-pressure is one rule: output is read while there is somewhere to put it. That is the
 * viewer, while nothing waits to be sent to him, and for held and detached sessions the ring of
 * what is kept. So a reader who does not read stops the command exactly as a full pipe would.
 *
 * Memory is fixed: one mapping, of which untouched pages cost nothing and touched ones go back
 * when a session ends.
 */
#ifndef GUEST_SESSION_H
#define GUEST_SESSION_H

#include "base/loop.h"
#include "guest/reap.h"
#include "proto/exec.h"
#include "proto/refusal.h"

enum {
	SESSIONS = 128,	    /* running and ended ones */
	SESSIONS_KEPT = 32, /* of those, held and detached ones: 2 * EXEC_KEPT each */
};

struct session;
struct sessions;
struct viewer;

/*
 * What a session tells whoever is attached to it. None of these may call the session back: a
 * viewer in trouble says so (session_leave) from a handler of its own.
 */
struct viewer_type {
	/* Nonzero while another piece of output is welcome: nothing waits to be sent. */
	int (*has_room)(struct viewer *v);
	/* Only after has_room(); at most FRAME_CHUNK bytes, taken whole. FRAME_STDOUT or -STDERR. */
	void (*output)(struct viewer *v, uint8_t type, const void *data, size_t len);
	/* So many bytes more may come through session_input(); only after has_room(). */
	void (*window)(struct viewer *v, uint32_t bytes);
	/* All output has been given. */
	void (*ended)(struct viewer *v, const struct exec_status *s);
	/* Somebody else attached; v->session is NULL already. */
	void (*taken_over)(struct viewer *v);
};

struct viewer {
	const struct viewer_type *type;
	struct session *session; /* NULL: attached to none */
	int says_seen;		 /* what has reached him, by session_seen() */
};

struct session_options {
	const char *vm, *boot; /* borrowed for good; "" for none */
	unsigned grace_ms;     /* between HUP, TERM and KILL; 0: 2 s */
	/* The command started with EXEC_MAIN has ended, and whoever watched it has gone. NULL:
	 * EXEC_MAIN means nothing here. */
	void (*main_ended)(void *owner, const struct exec_status *s);
	void *owner;
};

/* reap must be collected by the caller when SIGCHLD comes. NULL with errno set on failure. */
struct sessions *sessions_open(struct loop *l, struct reap *r, const struct session_options *o);

/* The session of that id, or NULL. */
struct session *session_find(struct sessions *all, const char *id);

/* Starts what q asks for; `digest` stands for the request. The session has no viewer yet: attach
 * one before the loop turns. NULL with *why filled (its text lives until the next call). */
struct session *session_start(struct sessions *all, struct exec_req *q, uint64_t digest,
			      struct refusal *why);

/* Nonzero when it was started by that request. */
int session_is_of(const struct session *s, uint64_t digest);

/* Nonzero when its end is the VM's. */
int session_is_main(const struct session *s);

/* Somebody whose business a command's end is, whoever looks at it. */
struct session_heir {
	/* The command has ended; its output may still be read. Not from within a call of his. */
	void (*ended)(struct session_heir *h, const struct exec_status *s);
};

/* Set once, before the loop turns; borrowed until it was told. */
void session_set_heir(struct session *s, struct session_heir *h);
pid_t session_pid(const struct session *s);

/* Its id is free from here on. Who is attached stays so, and nobody else comes. */
void session_disown(struct session *s);

/* The main process: pid 0 and status.end 0 when there never was one. */
struct main_state {
	pid_t pid;		   /* 0 unless it runs */
	struct exec_status status; /* once it has ended */
};

struct main_state sessions_main(const struct sessions *all);

/* To the process groups of the commands that run, the main process excepted; 0: to none, they are
 * only counted. How many. */
unsigned sessions_signal(struct sessions *all, int sig);

/* Lets go of whoever was attached before. 0 with *started filled (it borrows from the session);
 * or -ESRCH: it is being ended. Output comes from session_resume() on. */
int session_attach(struct session *s, struct viewer *v, const struct exec_attach *from,
		   struct exec_started *started);

/* The viewer has room (again). */
void session_resume(struct session *s);

/* The viewer goes; the policy says what becomes of the command. The session may be no more. */
void session_leave(struct viewer *v);

/* The policy is EXEC_DETACH from now on; output is kept from here on if it was not. 0; or -ENOBUFS: no place to keep output, nothing has
 * changed. */
int session_detach(struct session *s);

/* The frames of a viewer. 0 or -EPROTO. */
int session_input(struct session *s, const void *data, size_t len); /* 0 bytes: the end */
int session_takes_pages(const struct session *s); /* as intake_takes_pages() */
ssize_t session_splice(struct session *s, int socket, size_t len);
int session_signal(struct session *s, uint32_t sig);
int session_resize(struct session *s, uint16_t rows, uint16_t cols);
int session_seen(struct session *s, const struct exec_seen *seen);
void session_reader_gone(struct session *s, uint8_t type);

#endif
