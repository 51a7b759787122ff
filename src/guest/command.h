/*
 * command - starts what a struct exec_req asks for: user, limits, folder, environment, pipes or
 * terminal, process.
 *
 * Knows nothing of connections, and waits for nobody.
 */
#ifndef GUEST_COMMAND_H
#define GUEST_COMMAND_H

#include <sys/types.h>

#include "guest/user.h"
#include "proto/exec.h"
#include "proto/refusal.h"

enum {
	COMMAND_ENV_OWN = 8,
	COMMAND_ENV_BYTES = 320,
	COMMAND_TEXT = 512,
};

/* What all commands of a server share, and room for making one. */
struct command_base {
	const char *vm, *boot; /* borrowed; become VMTOOL_VM and VMTOOL_BOOT_ID; "" for none */
	const char *etc;       /* borrowed; the folder of passwd and group */
	int null_fd;	       /* owned: stdin of commands that get none; -1 while closed */
	struct user user;
	const char *program; /* what is executed: not always the first argument */
	char login[sizeof(((struct user *)0)->shell) + 1]; /* its name then */
	char own[COMMAND_ENV_OWN][COMMAND_ENV_BYTES];
	const char *env[EXEC_ARGS_MAX + COMMAND_ENV_OWN + 1];
	char text[COMMAND_TEXT];
};

/* 0 or a negative errno. */
int command_base_open(struct command_base *b, const char *vm, const char *boot);
void command_base_close(struct command_base *b);

/* A process, leader of its own session, and our ends of what it talks through: the caller's now,
 * non-blocking. With pipes, in is -1 without EXEC_STDIN; of a terminal, in and out are the master
 * twice and err is -1. */
struct command {
	pid_t pid;
	int in, out, err;
	int slave; /* of the terminal (see guest/terminal.h); else -1 */
};

/* In the cgroup whose folder `cgroup` is (0: ours). 0; or negative with *f saying why, its text
 * living in *b. A first argument of "-" is replaced in *q. */
int command_start(struct command *c, struct command_base *b, struct exec_req *q, int cgroup,
		  struct refusal *f);

#endif
