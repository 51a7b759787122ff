/*
 * exec - what is said on ports 4089 (pipes) and 4090 (a terminal): a command, how it ended.
 *
 * A command runs in a session, which has an id. A session outlives its connection when its
 * request says so, and can be attached to again: output is counted in bytes from the command's
 * start, so whoever comes back says how much he has seen and gets the rest.
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
	/* Bytes of stdin the host may send before the first window frame: some whole frames, so that
	 * no crumb is left of it. Of one frame alone each would wait for a round trip. */
	EXEC_WINDOW = 8 * (64 * 1024 - 5),
	EXEC_ID_MAX = 64, /* bytes of a session's id, NUL included */
	EXEC_GROUPS_MAX = 32,
	EXEC_RLIMITS_MAX = 16,
	EXEC_PATHS_MAX = 32,
	EXEC_KEPT = 256 * 1024, /* bytes of each output stream a held or detached session keeps */
};

enum exec_flag {
	EXEC_MAIN = 1 << 0,	    /* this is the main process: its exit ends the VM */
	EXEC_STDIN = 1 << 1,	    /* stdin is a pipe from the host; else it is /dev/null */
	EXEC_TTY = 1 << 2,	    /* a terminal instead of pipes: port 4090, and only there */
	EXEC_NO_NEW_PRIVS = 1 << 3, /* prctl(2) PR_SET_NO_NEW_PRIVS */
	EXEC_FLAGS = (1 << 4) - 1,
};

/* What becomes of a command whose connection ends before it does. */
enum exec_policy {
	EXEC_KILL = 0,	 /* HUP (terminal), TERM, KILL to all that descends from it */
	EXEC_HOLD = 1,	 /* kept for hold_ms, losing no output: a full buffer stops the command */
	EXEC_DETACH = 2, /* runs on; output beyond the buffer pushes out the oldest */
};

/* setrlimit(2)'s arguments; EXEC_RLIM_INFINITY for none. */
struct exec_rlimit {
	uint8_t resource; /* RLIMIT_... of the kernel, below EXEC_RLIMITS_MAX */
	uint64_t soft, hard;
};

enum exec_how {
	EXEC_READ_ONLY = 1, /* with all that is mounted below it */
	EXEC_MASKED = 2,    /* an empty folder, or a file of no bytes */
};

struct exec_path {
	uint8_t how; /* enum exec_how */
	const char *path;
};

#define EXEC_ID_OF_MAIN "main" /* the session of the main process, EXEC_MAIN */

#define EXEC_RLIM_INFINITY UINT64_MAX
#define EXEC_CAPS_ALL	   UINT64_MAX /* all that the guest's kernel has, however many */

struct exec_req {
	uint16_t flags;	  /* enum exec_flag */
	uint8_t policy;	  /* enum exec_policy */
	uint32_t hold_ms; /* for EXEC_HOLD: how long nobody may be attached */
	/* Letters, digits, . _ -; "": the guest makes one. An id that exists with the same request
	 * attaches to it, so a start may be repeated; with another request it is refused. */
	const char *id;
	uint16_t rows, cols; /* of the terminal, 1 to 65535; 0 without EXEC_TTY */
	uint64_t drop_caps;  /* 1 << CAP_...: taken from every set, the bounding set included; or
			      * EXEC_CAPS_ALL */
	uint32_t nrlimits, ngroups;
	struct exec_rlimit rlimits[EXEC_RLIMITS_MAX];
	const char *groups[EXEC_GROUPS_MAX]; /* supplementary, instead of the user's own */
	uint32_t npaths;
	/* Absolute, of the guest's file system; taken in this order. With any the command has neither
	 * CAP_SYS_ADMIN nor CAP_SYS_PTRACE, which would undo them. */
	struct exec_path paths[EXEC_PATHS_MAX];
	const char *user;		     /* NAME or UID[:GID]; "" is root */
	const char *cwd;		     /* "" is the user's home */
	uint32_t argc, envc;
	/* NULL-terminated, as execve wants it. An argv[0] of "-" is the user's own shell, called as
	 * login(1) calls it: "-bash". */
	const char *argv[EXEC_ARGS_MAX + 1];
	const char *env[EXEC_ARGS_MAX + 1]; /* KEY=VALUE; added to the guest's own */
};

/* The bytes written, or -EMSGSIZE when it does not fit into room. */
long exec_req_encode(const struct exec_req *q, void *out, size_t room);

/* 0 or -EPROTO: cut, over-long, no command, an empty command name, env without '=', unknown
 * flags or policy, an id of other characters, a path that is not absolute, a terminal without a size or a size without one. */
int exec_req_decode(struct exec_req *q, const void *data, size_t len);

/* Nonzero for a session's id: 1 to EXEC_ID_MAX - 1 of letters, digits, '.', '_', '-'. */
int exec_id_is_valid(const char *id);

/* FRAME_STARTED: answers FRAME_EXEC and FRAME_ATTACH. */
struct exec_started {
	uint32_t pid;
	const char *id;
	uint8_t attached; /* it ran already: what follows continues it */
	uint8_t tty;
	uint64_t out_at, err_at; /* the offsets of the next bytes that will come: beyond what the
				  * attaching side has seen when output was pushed out */
	uint64_t in_at;		 /* bytes of stdin that have come: what was sent beyond was lost
				  * with its connection, and is to be sent again */
	uint32_t window;	 /* bytes of stdin that may be sent; 0 when it has none */
};

long exec_started_encode(const struct exec_started *s, void *out, size_t room);
int exec_started_decode(struct exec_started *s, const void *data, size_t len);

#define EXEC_SEEN_ALL UINT64_MAX /* nothing of what came before is wanted */

/* FRAME_ATTACH: instead of FRAME_EXEC. Whoever was attached is told so and let go. */
struct exec_attach {
	const char *id;
	uint64_t out_seen, err_seen; /* bytes; 0: everything that is kept; or EXEC_SEEN_ALL */
	uint16_t rows, cols;	     /* of the terminal; 0: as it was */
};

long exec_attach_encode(const struct exec_attach *a, void *out, size_t room);
int exec_attach_decode(struct exec_attach *a, const void *data, size_t len);

/*
 * FRAME_SEEN: so many bytes of each stream, counted from the command's start, have gone to where
 * they were to go. What was sent may still be lost on its way when a connection breaks; only
 * this says it was not. Whoever sends one (of zeros) in front of FRAME_EXEC or FRAME_ATTACH
 * has it that a held session forgets nothing he has not seen, and stops the command
 * when EXEC_KEPT bytes are unseen; so he sends one every EXEC_KEPT / 4 bytes, at least. To whoever
 * sends none, what was sent counts as seen.
 */
struct exec_seen {
	uint64_t out, err;
};

enum { EXEC_SEEN_BYTES = 16 };

void exec_seen_encode(const struct exec_seen *s, uint8_t out[EXEC_SEEN_BYTES]);
int exec_seen_decode(struct exec_seen *s, const void *data, size_t len);

/* FRAME_RESIZE: rows and cols of 1 to 65535. */
enum { EXEC_SIZE_BYTES = 4 };

void exec_size_encode(uint16_t rows, uint16_t cols, uint8_t out[EXEC_SIZE_BYTES]);
int exec_size_decode(uint16_t *rows, uint16_t *cols, const void *data, size_t len);

enum exec_end {
	EXEC_EXITED = 1,   /* value: the exit code, 0 to 255 */
	EXEC_SIGNALED = 2, /* value: the signal */
	EXEC_LOST = 3,	   /* the status could not be had; never shown as success */
};

enum exec_note {
	EXEC_PIPES_OPEN = 1 << 0, /* somebody it left behind still held its output at the end */
	EXEC_OOM_KILLED = 1 << 1, /* the guest ran out of memory, and killed in its cgroup */
	EXEC_NOTES = (1 << 2) - 1,
};

struct exec_status {
	uint8_t end; /* enum exec_end */
	uint32_t value;
	uint8_t notes; /* enum exec_note */
};

enum { EXEC_STATUS_BYTES = 6 };

void exec_status_encode(const struct exec_status *s, uint8_t out[EXEC_STATUS_BYTES]);

/* 0 or -EPROTO. */
int exec_status_decode(struct exec_status *s, const void *data, size_t len);

/* From what waitpid(2) or waitid(2) gave (si_code, si_status). */
struct exec_status exec_status_from_wait(int code, int status);

/* The exit code of contracts.md: the command's own, 128+n, or 125 when it was lost. */
int exec_status_code(const struct exec_status *s);

#endif
