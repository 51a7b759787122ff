/*
 * intruder - what a guest would do that had taken a thread over: it asks the host's kernel for something else.
 *
 *	intruder TID CALL
 *
 * The thread's next system call has the number CALL instead of its own, with the arguments it came with. A
 * debugger changes it before the kernel looks at filters (ptrace(2), "Syscall-stops").
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

enum { ENTERS = SIGTRAP | 0x80 }; /* PTRACE_O_TRACESYSGOOD */

static int fail(const char *what)
{
	fprintf(stderr, "intruder: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	pid_t tid = argc == 3 ? (pid_t)atoi(argv[1]) : 0;
	int status;

	if (tid <= 0)
		return 2;
	if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		return fail("seize");
	do {
		if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
			return fail("wait");
		if (WSTOPSIG(status) == ENTERS)
			break;
	} while (ptrace(PTRACE_SYSCALL, tid, 0, 0) == 0);
	if (ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, regs.orig_rax), atol(argv[2])) < 0 ||
	    ptrace(PTRACE_DETACH, tid, 0, 0) < 0)
		return fail("change its call");
	return 0;
}
