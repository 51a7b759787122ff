/*
 * err - one failure: a negative errno and one sentence for a person.
 *
 * The caller owns the struct, usually on main()'s stack. Whoever knows the
 * noun (which file, which VM) writes the sentence; only main() prints it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	int code; /* negative errno; 0 while nothing has failed */
	int exit; /* exit status main() is to use; 0: the usual one for code */
	char text[1000];
};

#define ERR_NONE ((struct err){ 0 })

/* Our own verdict. Returns `code`, so callers can `return err_set(...)`. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A system call said no: takes errno, adds its text, returns -errno. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put the outer context in front: "start web: open vmlinux: ...". Returns e->code. */
int err_in(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put a way on behind: "\n  try: vmtool ls". Returns e->code. */
int err_more(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Wrong usage: -EINVAL and exit status 2 (contracts.md, "Exit codes"). */
int err_usage(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A deadline passed: -ETIMEDOUT and exit status 124. */
int err_deadline(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
