/*
 * command - one command for a running VM's guest, from what a person asked to its exit code.
 */
#ifndef HOST_COMMAND_H
#define HOST_COMMAND_H

#include "host/target.h"
#include "proto/exec.h"

/* Borrows from argv and the environment. */
struct command {
	struct exec_req request;
	char vm[PATH_ROOM + 32], boot[BOOT_ID_LEN + 24]; /* of the environment it is given */
};

void command_init(struct command *c);

/* KEY=VALUE, or KEY for our own value of it. 0, or wrong usage with *e filled. */
int command_env(struct command *c, const char *text, struct err *e);

/* argv: NULL-terminated. 0, or wrong usage with *e filled. */
int command_argv(struct command *c, char **argv, struct err *e);

/* Our stdin, stdout, stderr and signals are the command's until it ends. Its exit code, or
 * negative with *e filled (host/session.h). */
int command_run(struct command *c, const struct target *t, struct err *e);

#endif
