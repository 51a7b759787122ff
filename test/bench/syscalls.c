/*
 * syscalls - how many system calls a command makes.
 *
 *	syscalls FILE CMD [ARG]...
 *
 * Runs CMD, whose children are not counted, writes the number to FILE and exits as it does. Unlike time,
 * the number is the same on a busy machine.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 125;
}

/* Stops at each entry and each exit, in turn. The exit status of CMD, or negative. */
static int count(pid_t pid, unsigned long *calls)
{
	unsigned long stops = 0;
	int status, deliver = 0;

	while (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)deliver) == 0) {
		if (waitpid(pid, &status, 0) != pid)
			return -1;
		if (!WIFSTOPPED(status)) {
			*calls = (stops + 1) / 2;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		deliver = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			stops++;
		else if (WSTOPSIG(status) != SIGTRAP) /* that of its exec */
			deliver = WSTOPSIG(status);
	}
	return -1;
}

int main(int argc, char **argv)
{
	unsigned long calls = 0;
	int status, code;
	FILE *out;
	pid_t pid;

	if (argc < 3)
		return fprintf(stderr, "syscalls: FILE CMD [ARG]...\n"), 125;
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
		return fail("trace");
	code = count(pid, &calls);
	if (code < 0)
		return fail("count");
	out = fopen(argv[1], "w");
	if (!out || fprintf(out, "%lu\n", calls) < 0 || fclose(out) != 0)
		return fail(argv[1]);
	return code;
}
