/*
 * spawn - start a program with exactly the descriptors it is meant to have.
 *
 * The child begins with a clean signal mask and default dispositions. exec's own failure is
 * told apart from the program's exit: it comes back through a close-on-exec pipe as an errno.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

/* The child's descriptor `to` is the parent's `from`. */
struct fdmap {
	int from, to;
};

struct spawn {
	const char *path;	 /* what to exec; looked up in PATH of envp when it has no slash */
	char *const *argv;	 /* NULL-terminated */
	char *const *envp;	 /* NULL-terminated; NULL: ours */
	const struct fdmap *fds; /* all it gets beyond close-on-exec rules; 0, 1, 2 included */
	size_t nfds;
	int new_session;      /* setsid() */
	int new_group;	      /* setpgid(0, 0) */
	int parent_death_sig; /* PR_SET_PDEATHSIG; 0 for none */
	int cgroup;	      /* fd of the cgroup2 folder it begins in; 0: in ours */
	/* Runs in the child after the descriptors are in place, before exec: 0 to go on, else an
	 * errno. Only async-signal-safe calls. */
	int (*in_child)(void *arg);
	void *arg;
};

/* The pid, with *pidfd (owned by the caller) when pidfd is not NULL; or the negative errno of
 * fork, of in_child or of exec, the child then being reaped. */
pid_t spawn(const struct spawn *s, int *pidfd);

/* An fd that becomes readable when the process ends. Negative errno on failure. */
int pidfd_open(pid_t pid);
int pidfd_signal(int pidfd, int sig);

/* SIGKILL. 0 when it has ended, or had before; -ETIMEDOUT when it has not within wait_ms. */
int pidfd_kill(int pidfd, int wait_ms);

#endif
