/*
 * command - one command for a running VM's guest, from what a person asked to its exit code.
 */
#ifndef HOST_COMMAND_H
#define HOST_COMMAND_H

#include "host/session.h"
#include "host/target.h"
#include "proto/exec.h"

enum command_tty {
	COMMAND_TTY_AUTO, /* when stdin, stdout and stderr are terminals */
	COMMAND_TTY,
	COMMAND_NO_TTY,
};

/* Borrows from argv and the environment. */
struct command {
	struct exec_req request;
	enum command_tty tty;
	struct detachkeys keys;
	unsigned timeout_ms; /* 0: none */
	int is_detached;     /* start it, and leave it running */
	int is_interactive;  /* ... with a stdin that somebody may attach to */
	int has_policy;	     /* what becomes of it when the connection breaks was said */
	int is_verbose;
	int was_taken_over;   /* command_run() failed, for somebody else has attached to it */
	char id[EXEC_ID_MAX]; /* what it was given, or what it was found to be */
	char vm[PATH_ROOM + 32], boot[BOOT_ID_LEN + 24]; /* of the environment it is given */
};

void command_init(struct command *c);

/* What one option says. 0, or wrong usage with *e filled. */
int command_env(struct command *c, const char *text, struct err *e); /* KEY=VALUE, or KEY: ours */
int command_id(struct command *c, const char *text, struct err *e);
int command_on_disconnect(struct command *c, const char *text, struct err *e);

/* The command itself, which is NULL-terminated; after all options, as it sees what contradicts
 * what. 0, or wrong usage with *e filled. */
int command_argv(struct command *c, char **argv, struct err *e);

/* As command_argv(): the login shell of its user; with the command, if there is one, run by it. */
int command_login(struct command *c, char **argv, struct err *e);

/* Our stdin, stdout, stderr and signals, or our terminal, are the command's until it ends. Its
 * exit code, or negative with *e filled (host/session.h). What else there is to say goes to
 * stderr. */
int command_run(struct command *c, const struct target *t, struct err *e);

/* The same in the guest that a person named (target_find()). */
int command_run_in(struct command *c, const char *name, struct err *e);

/* And for a command that runs there already: also when the connection breaks, it is gone back to. */
int command_attach_in(struct command *c, const char *name, const struct exec_attach *a,
		      struct err *e);

#endif
