/* What a thread of the vmm must never do ends it, by name; what it lives by goes on. */
#include "vmm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "vmm/landlock.h"

enum { ALL = SANDBOX_LOOP | SANDBOX_VCPU | SANDBOX_DISK, SURVIVED = 42 };

static int told; /* a pipe: why */

static void tell(const char *why)
{
	(void)!write(told, why, strlen(why));
}

/* The call on a thread of that kind, in a process of its own. Its status, and why it ended. */
static int try_call(enum sandbox_thread kind, const long call[4], char why[200])
{
	int p[2], status = 0;
	ssize_t n;
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		told = p[1];
		if (sandbox_begin(tell) < 0)
			_exit(3);
		sandbox_enter(kind);
		syscall(call[0], call[1], call[2], call[3], 0L, 0L, 0L);
		syscall(SYS_exit_group, (long)SURVIVED);
	}
	close(p[1]);
	n = read(p[0], why, 199);
	why[n > 0 ? n : 0] = '\0';
	close(p[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The sentence names the call, and no other that begins alike. */
static int names(const char *why, const char *call)
{
	char words[100];

	snprintf(words, sizeof(words), "host's kernel for %s, which", call);
	return strstr(why, words) != NULL;
}

static const struct {
	const char *name;
	long call[4];
	int threads; /* which must not */
} bad[] = {
	{ "openat", { SYS_openat, AT_FDCWD, (long)"/", O_RDONLY }, ALL },
	{ "open", { SYS_open, (long)"/", O_RDONLY }, ALL },
	{ "execve", { SYS_execve, (long)"/bin/true", 0, 0 }, ALL },
	{ "fork", { SYS_fork }, ALL },
	{ "clone", { SYS_clone, 17, 0, 0 }, ALL },
	{ "mmap", { SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC }, ALL },
	{ "mprotect", { SYS_mprotect, 4096, 4096, PROT_EXEC }, ALL },
	{ "ptrace", { SYS_ptrace, 0, 0, 0 }, ALL },
	{ "kill", { SYS_kill, 1, 0 }, ALL },
	{ "prctl", { SYS_prctl, PR_SET_DUMPABLE, 1 }, ALL },
	{ "rt_sigaction", { SYS_rt_sigaction, 1, 0, 0 }, ALL },
	{ "unlink", { SYS_unlink, (long)"/tmp/none" }, ALL },
	{ "bind", { SYS_bind, 0, 0, 0 }, ALL },
	{ "socket", { SYS_socket, AF_INET, SOCK_STREAM, 0 }, ALL },
	{ "socket", { SYS_socket, AF_UNIX, SOCK_STREAM, 0 }, SANDBOX_VCPU | SANDBOX_DISK },
	{ "ioctl", { SYS_ioctl, 0, TIOCSTI, 0 }, ALL },
	{ "ioctl", { SYS_ioctl, 0, KVM_RUN, 0 }, SANDBOX_LOOP | SANDBOX_DISK },
	{ "ioctl", { SYS_ioctl, 0, KVM_SET_USER_MEMORY_REGION, 0 }, ALL },
	{ "fcntl", { SYS_fcntl, 1, F_DUPFD, 0 }, ALL },
	{ "mmap", { SYS_mmap, 0, 4096, PROT_READ }, ALL },
	{ "madvise", { SYS_madvise, 0, 4096, MADV_DONTFORK }, ALL },
	{ "madvise", { SYS_madvise, 0, 4096, MADV_DONTNEED }, SANDBOX_VCPU | SANDBOX_DISK },
	{ "tkill", { SYS_tkill, 1, 9 }, ALL },
	{ "connect", { SYS_connect, 0, 0, 0 }, SANDBOX_VCPU | SANDBOX_DISK },
	{ "fallocate", { SYS_fallocate, -1, 0, 0 }, SANDBOX_LOOP | SANDBOX_VCPU },
	{ "io_uring_setup", { SYS_io_uring_setup, 1, 0 }, ALL },
	{ "io_uring_register", { SYS_io_uring_register, -1, 0, 0 }, ALL },
	{ "io_uring_enter", { SYS_io_uring_enter, -1, 0, 0 }, SANDBOX_VCPU | SANDBOX_DISK },
	{ "system call 101000", { 101000 }, ALL },
};

static void a_call_goes_through_or_has_no_name(void)
{
	char why[200];

	for (size_t i = 0; i < COUNT(bad); i++)
		for (int kind = SANDBOX_LOOP; kind <= SANDBOX_DISK; kind <<= 1) {
			int status;

			if (!(bad[i].threads & kind))
				continue;
			status = try_call((enum sandbox_thread)kind, bad[i].call, why);
			if (status != 1 || !names(why, bad[i].name))
				printf("# %s of thread %d: status %d, told '%s'\n", bad[i].name, kind,
				       status, why);
			CHECK(status == 1 && names(why, bad[i].name));
		}
}

static void what_a_thread_lives_by_ends_it(void)
{
	static const struct {
		long call[4];
		int threads;
	} good[] = {
		{ { SYS_write, -1, 0, 0 }, ALL },
		{ { SYS_futex, 0, 1, 0 }, ALL },
		{ { SYS_ioctl, -1, KVM_RUN, 0 }, SANDBOX_VCPU },
		{ { SYS_ioctl, -1, KVM_SET_GSI_ROUTING, 0 }, SANDBOX_LOOP | SANDBOX_VCPU },
		{ { SYS_ioctl, -1, KVM_IOEVENTFD, 0 }, SANDBOX_LOOP | SANDBOX_VCPU },
		{ { SYS_fcntl, -1, F_SETFL, 0 }, SANDBOX_LOOP | SANDBOX_VCPU },
		{ { SYS_socket, AF_UNIX, SOCK_STREAM, 0 }, SANDBOX_LOOP },
		{ { SYS_tkill, 0x7ffffff, SIGUSR1 }, SANDBOX_LOOP },
		{ { SYS_madvise, 0, 0, MADV_DONTNEED }, SANDBOX_LOOP },
		{ { SYS_pwritev, -1, 0, 0 }, SANDBOX_DISK },
		{ { SYS_fdatasync, -1 }, SANDBOX_DISK },
		{ { SYS_io_uring_enter, -1, 0, 0 }, SANDBOX_LOOP },
	};
	char why[200];

	for (size_t i = 0; i < COUNT(good); i++)
		for (int kind = SANDBOX_LOOP; kind <= SANDBOX_DISK; kind <<= 1)
			if (good[i].threads & kind) {
				int status = try_call((enum sandbox_thread)kind, good[i].call, why);

				if (status != SURVIVED)
					printf("# call %ld of thread %d: status %d, told '%s'\n",
					       good[i].call[0], kind, status, why);
				CHECK(status == SURVIVED);
			}
}

static void privileges_come_back(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_begin(tell) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* As a vmm that began with what somebody left open. */
static void what_was_left_open_stays_open(void)
{
	int keep[] = { 21, 2, 1, 21, 0, 17 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 3; fd < 30; fd++)
			dup2(1, fd);
		fd_close_others(keep, COUNT(keep));
		for (int fd = 0; fd < 40; fd++)
			if ((fcntl(fd, F_GETFD) >= 0) != (fd < 3 || fd == 17 || fd == 21))
				_exit(fd + 1);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Without the filter: by itself. */
static void a_file_is_opened_in_spite_of_landlock(void)
{
	int status = 0;
	pid_t pid;

	if (landlock_version() < 0) {
		printf("# this kernel has no Landlock\n");
		return;
	}
	pid = fork();
	if (pid == 0) {
		int before = open("/dev/null", O_RDWR);

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (landlock_enter() < 0)
			_exit(1);
		if (open("/dev/null", O_RDONLY) >= 0 || errno != EACCES)
			_exit(2);
		if (execl("/bin/true", "true", (char *)NULL) == 0 || errno != EACCES)
			_exit(3);
		if (unlink("/tmp") == 0 || errno != EACCES)
			_exit(4);
		_exit(write(before, "", 1) == 1 ? 0 : 5);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	TEST(a_call_goes_through_or_has_no_name);
	TEST(what_a_thread_lives_by_ends_it);
	TEST(privileges_come_back);
	TEST(what_was_left_open_stays_open);
	TEST(a_file_is_opened_in_spite_of_landlock);
	return check_done();
}
