/*
 * spawn - start a program with exactly the descriptors it is meant to have.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

extern char **environ;

int pidfd_open(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

int pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_kill(int pidfd, int wait_ms)
{
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };
	int rc = pidfd_signal(pidfd, SIGKILL);

	if (rc == 0 && poll(&gone, 1, wait_ms) != 1)
		rc = -ETIMEDOUT;
	return rc == -ESRCH ? 0 : rc;
}

/*
 * Two passes, so that no dup2 overwrites a `from` still needed: first every source moves above
 * all targets, then each goes home.
 */
static int place_fds(const struct spawn *s, int *errpipe)
{
	int moved[48], top = 2;

	if (s->nfds > sizeof(moved) / sizeof(moved[0]))
		return E2BIG;
	for (size_t i = 0; i < s->nfds; i++)
		if (s->fds[i].to > top)
			top = s->fds[i].to;
	*errpipe = fcntl(*errpipe, F_DUPFD_CLOEXEC, top + 1);
	if (*errpipe < 0)
		return errno;
	for (size_t i = 0; i < s->nfds; i++) {
		moved[i] = fcntl(s->fds[i].from, F_DUPFD_CLOEXEC, top + 1);
		if (moved[i] < 0)
			return errno;
	}
	for (size_t i = 0; i < s->nfds; i++)
		if (dup2(moved[i], s->fds[i].to) < 0)
			return errno;
	return 0;
}

static void reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_child(const struct spawn *s, pid_t parent, int errpipe)
{
	int why;

	if (s->parent_death_sig) {
		prctl(PR_SET_PDEATHSIG, s->parent_death_sig);
		/* The parent may have gone before prctl: its signal will then never come. */
		if (getppid() != parent)
			_exit(127);
	}
	if (s->new_session)
		setsid();
	if (s->new_group)
		setpgid(0, 0);
	why = place_fds(s, &errpipe);
	reset_signals();
	if (why == 0 && s->in_child)
		why = s->in_child(s->arg);
	if (why == 0) {
		if (s->envp)
			environ = (char **)s->envp; /* execvp() looks for PATH there */
		execvp(s->path, s->argv);
		why = errno;
	}
	(void)fd_write(errpipe, &why, sizeof(why));
	_exit(127);
}

/* fork(2), into s->cgroup: moving there later would cost every process a grace period of RCU. */
static pid_t fork_into(const struct spawn *s)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)s->cgroup,
	};
	long pid;

	if (s->cgroup == 0)
		return fork();
	pid = syscall(SYS_clone3, &args, sizeof(args));
	/* A sandbox that knows no clone3, a cgroup that takes none: then it begins in ours. What
	 * is wrong with more than that, fork says again. */
	return pid < 0 ? fork() : (pid_t)pid;
}

pid_t spawn(const struct spawn *s, int *pidfd)
{
	int errpipe[2], why = 0;
	sigset_t all, before;
	pid_t parent = getpid();
	pid_t pid;

	if (pipe2(errpipe, O_CLOEXEC) < 0)
		return -errno;
	/* No handler of ours may run in the child before it is reset. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork_into(s);
	if (pid == 0)
		run_child(s, parent, errpipe[1]);
	if (pid < 0)
		why = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	fd_close(&errpipe[1]);
	if (why == 0 && fd_read_all(errpipe[0], &why, sizeof(why)) < 0)
		why = 0; /* the pipe closed at exec: the program runs */
	fd_close(&errpipe[0]);
	if (why == 0 && pidfd) {
		*pidfd = pidfd_open(pid);
		if (*pidfd < 0) {
			why = -*pidfd;
			kill(pid, SIGKILL);
		}
	}
	if (why != 0 && pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return why ? -why : pid;
}
