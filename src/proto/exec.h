/*
 * exec - what is said on port 4089: a command, how it ended, or why it was refused.
 *
 * The guest decodes requests, the host decodes answers; both treat the bytes as hostile.
 * Strings are NUL-terminated on the wire and borrow from the decoded bytes.
 */
#ifndef PROTO_EXEC_H
#define PROTO_EXEC_H

#include <stddef.h>
#include <stdint.h>

enum {
	EXEC_ARGS_MAX = 4096, /* arguments, and as many environment strings */
	EXEC_WINDOW = 64 *
		      1024, /* bytes of stdin the host may send before the first window frame */
};

enum exec_flag {
	EXEC_MAIN = 1 << 0,  /* this is the main process: its exit ends the VM */
	EXEC_STDIN = 1 << 1, /* stdin is a pipe from the host; else it is /dev/null */
};

struct exec_req {
	uint16_t flags;
	const char *user; /* NAME or UID[:GID]; "" is root */
	const char *cwd;  /* "" is the user's home */
	uint32_t argc, envc;
	const char *argv[EXEC_ARGS_MAX + 1]; /* NULL-terminated, as execve wants it */
	const char *env[EXEC_ARGS_MAX + 1];  /* KEY=VALUE; added to the guest's own */
};

/* The bytes written, or -EMSGSIZE when it does not fit into room. */
long exec_req_encode(const struct exec_req *q, void *out, size_t room);

/* 0 or -EPROTO: cut, over-long, no command, an empty command name, env without '='. */
int exec_req_decode(struct exec_req *q, const void *data, size_t len);

enum exec_end {
	EXEC_EXITED = 1,   /* value: the exit code, 0 to 255 */
	EXEC_SIGNALED = 2, /* value: the signal */
	EXEC_LOST = 3,	   /* the status could not be had; never shown as success */
};

struct exec_status {
	uint8_t end; /* enum exec_end */
	uint32_t value;
};

enum { EXEC_STATUS_BYTES = 5 };

void exec_status_encode(const struct exec_status *s, uint8_t out[EXEC_STATUS_BYTES]);

/* 0 or -EPROTO. */
int exec_status_decode(struct exec_status *s, const void *data, size_t len);

/* From what waitpid(2) or waitid(2) gave (si_code, si_status). */
struct exec_status exec_status_from_wait(int code, int status);

/* The exit code of contracts.md: the command's own, 128+n, or 125 when it was lost. */
int exec_status_code(const struct exec_status *s);

/* Why a command was not started. */
enum refusal_why {
	REFUSED_NOT_FOUND = 1,	    /* exit code 127 */
	REFUSED_NOT_EXECUTABLE = 2, /* 126 */
	REFUSED_BAD_USER = 3,	    /* this and all below: 125 */
	REFUSED_BAD_CWD = 4,
	REFUSED_LIMIT = 5,
	REFUSED_PROTOCOL = 6,
	REFUSED_SHUTDOWN = 7, /* the guest is powering off */
};

/* The payload of FRAME_ERROR. */
struct refusal {
	uint16_t why;	  /* enum refusal_why */
	uint32_t sys;	  /* the guest's errno, 0 when there is none */
	const char *text; /* a sentence; borrowed */
};

long refusal_encode(const struct refusal *f, void *out, size_t room);
int refusal_decode(struct refusal *f, const void *data, size_t len);
int refusal_code(const struct refusal *f);

#endif
