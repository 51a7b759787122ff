/*
 * sandbox - what a vmm process may still ask of the host's kernel.
 *
 * Filters are classic BPF over struct seccomp_data (seccomp(2)), written out from the table below.
 */
#include "vmm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <linux/vhost.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

/* --- the table ------------------------------------------------------------------------------ */

/* One argument must be, in the bits of its lower half that count. */
struct demand {
	unsigned arg;
	uint32_t mask, value;
};

enum { L = SANDBOX_LOOP, V = SANDBOX_VCPU, D = SANDBOX_DISK };

/* Rows of one call add up. What is asked most often stands first: a filter is read from the top. */
static const struct call {
	const char *name;
	int number;
	int threads;
	const struct demand *demand; /* NULL: any arguments */
} calls[] = {
#define CALL(name, threads, demand) { #name, SYS_##name, threads, demand }
#define ONLY(a, v) (&(const struct demand){ a, UINT32_MAX, (uint32_t)(v) })
	/* The guest runs; where its interrupts go, and what wakes us, it may change later. */
	CALL(ioctl, V, ONLY(1, KVM_RUN)),
	CALL(ioctl, V, ONLY(1, KVM_KVMCLOCK_CTRL)),
	CALL(ioctl, L | V, ONLY(1, KVM_SET_GSI_ROUTING)),
	CALL(ioctl, L | V, ONLY(1, KVM_IOEVENTFD)),
	CALL(ioctl, L, ONLY(1, TUNSETOFFLOAD)), /* what a network card's next driver agrees to */
	CALL(futex, L | V | D, NULL), /* the machine's lock, jobs, a pause */
	CALL(write, L | V | D, NULL), /* eventfds, the console, the log, vmm.status */
	CALL(read, L, NULL),	      /* eventfds, a timer, signals */
	/* The loop, and who comes to the socket device. */
	CALL(epoll_wait, L, NULL),
	CALL(epoll_pwait, L, NULL), /* what musl asks where there is no epoll_wait */
	CALL(readv, L, NULL),
	CALL(io_uring_enter, L, NULL), /* rings of disks, which do no more than read, write and sync */
	CALL(io_uring_register, L, ONLY(1, IORING_UNREGISTER_FILES)),
	CALL(sendmsg, L, NULL),
	CALL(recvfrom, L, NULL),
	CALL(epoll_ctl, L, NULL),
	CALL(accept4, L, NULL),
	CALL(socket, L, ONLY(0, AF_UNIX)),
	CALL(connect, L, NULL), /* of what socket() gives, only to paths */
	CALL(writev, L, NULL), /* what people at the console are behind with; a tap's frames */
	CALL(shutdown, L, NULL),
	CALL(ioctl, L, ONLY(1, FIONREAD)), /* whether a message of no bytes is the end */
	CALL(close, L, NULL),
	CALL(getrandom, L, NULL), /* the entropy device */
	CALL(madvise, L, ONLY(2, MADV_DONTNEED)), /* the balloon */
	/* Disks. */
	CALL(preadv, D, NULL),
	CALL(pwritev, D, NULL),
	CALL(fdatasync, D, NULL),
	CALL(fallocate, D, NULL),
	CALL(fstat, L | D, NULL), /* whether the file has been cut */
	/* The console: who writes to it cuts it where it is; its last words are not held back. */
	CALL(timerfd_settime, L | V, NULL),
	CALL(pread64, L | V, NULL),
	CALL(pwrite64, L | V, NULL), /* and vmm.status: the CPUs stand still */
	CALL(ftruncate, L | V, NULL),
	CALL(fcntl, L | V, ONLY(1, F_GETFL)),
	CALL(fcntl, L | V, ONLY(1, F_SETFL)),
	CALL(poll, L | V | D, NULL), /* a console or log that is a pipe may be full */
	/* Time, where the host's clock is none that a process can read by itself. */
	CALL(clock_gettime, L | V | D, NULL),
	/* A network card's rings, which the host's kernel serves, when their driver comes and goes, and when a
	 * CPU masks what that interrupts it by. */
	CALL(ioctl, L, ONLY(1, VHOST_GET_FEATURES)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_FEATURES)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_VRING_NUM)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_VRING_BASE)),
	CALL(ioctl, L, ONLY(1, VHOST_GET_VRING_BASE)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_VRING_ADDR)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_VRING_ERR)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_VRING_CALL)),
	CALL(ioctl, L, ONLY(1, VHOST_SET_VRING_KICK)),
	CALL(ioctl, L, ONLY(1, VHOST_NET_SET_BACKEND)),
	CALL(ioctl, L | V, ONLY(1, KVM_IRQFD)),
	/* Signals, and threads that end. */
	CALL(tkill, L, ONLY(1, SIGUSR1)), /* a CPU is to come out of its guest */
	CALL(rt_sigreturn, V, NULL),	  /* it was that signal */
	CALL(rt_sigprocmask, L | V | D, NULL),
	CALL(restart_syscall, L | V | D, NULL), /* a SIGSTOP came in between */
	CALL(exit, V | D, NULL),
	CALL(munmap, L, NULL), /* their stacks, and the guest's memory */
	CALL(exit_group, L | V | D, NULL),
	/* Nobody's; they stand here so that who tries is told by name. */
	CALL(open, 0, NULL),
	CALL(openat, 0, NULL),
	CALL(openat2, 0, NULL),
	CALL(creat, 0, NULL),
	CALL(execve, 0, NULL),
	CALL(execveat, 0, NULL),
	CALL(fork, 0, NULL),
	CALL(vfork, 0, NULL),
	CALL(clone, 0, NULL),
	CALL(clone3, 0, NULL),
	CALL(mmap, 0, NULL),
	CALL(mprotect, 0, NULL),
	CALL(mremap, 0, NULL),
	CALL(brk, 0, NULL),
	CALL(bind, 0, NULL),
	CALL(listen, 0, NULL),
	CALL(sendto, 0, NULL),
	CALL(kill, 0, NULL),
	CALL(tgkill, 0, NULL),
	CALL(ptrace, 0, NULL),
	CALL(process_vm_writev, 0, NULL),
	CALL(unlink, 0, NULL),
	CALL(unlinkat, 0, NULL),
	CALL(mount, 0, NULL),
	CALL(unshare, 0, NULL),
	CALL(bpf, 0, NULL),
	CALL(io_uring_setup, 0, NULL),
	CALL(prctl, 0, NULL),
	CALL(rt_sigaction, 0, NULL),
	CALL(gettimeofday, 0, NULL),
	CALL(setsockopt, 0, NULL),
	CALL(getsockopt, 0, NULL),
	CALL(lseek, 0, NULL),
	CALL(nanosleep, 0, NULL),
};

/* --- the end of it --------------------------------------------------------------------------- */

static void (*on_end)(const char *why);

static void end(const char *why)
{
	on_end(why);
	syscall(SYS_exit_group, 1); /* and not whatever a libc would do besides */
}

static void caught(int sig, siginfo_t *si, void *context)
{
	char number[32], why[160];
	const char *name = number;

	(void)sig;
	(void)context;
	snprintf(number, sizeof(number), "system call %d", si->si_syscall);
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].number == si->si_syscall)
			name = calls[i].name;
	snprintf(why, sizeof(why),
		 "the sandbox ended the vmm process: it asked the host's kernel for %s, which it "
		 "never needs",
		 name);
	end(why);
}

/* --- filters -------------------------------------------------------------------------------- */

enum { PROGRAM_MAX = 5 + 6 * COUNT(calls) + 1 };

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short len;
};

static void emit(struct program *p, struct sock_filter f)
{
	p->code[p->len++] = f;
}

static struct sock_filter load(size_t off)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)off);
}

/* Equal: goes on with the next; else passes `over` by. */
static struct sock_filter unless_equal(uint32_t value, uint8_t over)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, over);
}

static struct sock_filter answer(uint32_t action)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
}

/* The accumulator holds the call's number, and does so behind this, too. */
static void emit_call(struct program *p, const struct call *c)
{
	const struct demand *d = c->demand;

	emit(p, unless_equal((uint32_t)c->number, d ? 5 : 1));
	if (d) {
		emit(p, load(offsetof(struct seccomp_data, args) + 8 * d->arg));
		emit(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, d->mask));
		emit(p, unless_equal(d->value, 1));
	}
	emit(p, answer(SECCOMP_RET_ALLOW));
	if (d)
		emit(p, load(offsetof(struct seccomp_data, nr)));
}

static void write_program(struct program *p, enum sandbox_thread kind)
{
	p->len = 0;
	emit(p, load(offsetof(struct seccomp_data, arch)));
	emit(p, unless_equal(AUDIT_ARCH_X86_64, 1));
	emit(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
	emit(p, answer(SECCOMP_RET_KILL_PROCESS)); /* 32-bit calls have other numbers */
	emit(p, load(offsetof(struct seccomp_data, nr))); /* those of x32 are none of the table's */
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].threads & kind)
			emit_call(p, &calls[i]);
	emit(p, answer(SECCOMP_RET_TRAP));
}

int sandbox_offered(void)
{
	uint32_t action = SECCOMP_RET_TRAP;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

int sandbox_begin(void (*ended)(const char *why))
{
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	int rc = sandbox_offered();

	if (rc < 0)
		return rc;
	if (sigaction(SIGSYS, &sa, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	on_end = ended;
	return 0;
}

void sandbox_enter(enum sandbox_thread kind)
{
	struct program p;
	struct sock_fprog prog = { 0, p.code };

	if (!on_end)
		return;
	write_program(&p, kind);
	prog.len = p.len;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		end("the host's kernel takes no filter of system calls for a thread of the vmm process");
}
