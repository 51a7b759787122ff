/*
 * machine - the emulated KVM host, as a QEMU process of ours.
 */
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"

/* What the argument list below calls the descriptors. */
enum {
	QEMU_CONSOLE = 3,
	QEMU_INITRD,
	QEMU_RAM,
	QEMU_STATE,
	QEMU_STAGE,
	QEMU_MONITOR,
	QEMU_PORTS = 10,
};

/* Words of a command line belong in pairs. */
/* clang-format off */

/*
 * SVM is the only nesting TCG has. Without -xsave, KVM's idea of a guest's XCR0 goes stale: TCG
 * does not take the XSETBV intercept; and no CPU has AVX without it, what a guest's kernel may rely
 * on (Debian 13's does, and died of its own tests of AES). The rest of the minus list is what TCG
 * cannot do anyway and would warn of.
 */
#define CPU "EPYC,+svm,+npt,-xsave,-xsavec,-avx,-avx2,-fma,-f16c,-rdseed,-sha-ni,-fxsr-opt,-misalignsse," \
	    "-3dnowprefetch,-osvw,-topoext,-nrip-save"

/*
 * One CPU. QEMU before 8.1 may translate a page while another of its CPUs patches it, and keep the
 * stale translation: a kernel that switches a static key then takes the same breakpoint on both
 * CPUs for ever. KVM switches keys in schedule() when the first VM comes and the last one goes;
 * with two CPUs one boot in a hundred froze, the lab's own or that of a guest.
 */

/* A panic resets, a reset ends QEMU (-no-reboot): the runner then sees the machine die. An NMI is
 * machine_autopsy()'s way to one. tsc=reliable: on a busy host QEMU is held up between the
 * watchdog's two clock readings, and the kernel, and KVM with it, would give up a TSC that is
 * right, in the middle of a run. */
#define APPEND "console=ttyS0 quiet panic=-1 unknown_nmi_panic tsc=reliable"

/*
 * The clock. Left alone, QEMU takes its TSC from this host's TSC and its timers from this host's
 * monotonic clock, and runs the instructions in between whenever this host has time for them. A
 * host that is busy, or itself a virtual machine, then makes clocks leap and timers come late by
 * seconds. Counting instructions instead makes TSC, APIC, HPET and RTC one clock that nothing
 * outside reaches: the same run takes the same time to the microsecond, however busy this host is.
 */
static const struct {
	const char *name, *icount;
} clocks[] = {
	[CLOCK_COUNTED] = { "counted", "shift=0,sleep=off" },
	[CLOCK_PACED] = { "paced", "shift=0,sleep=on" },
	[CLOCK_HOST] = { "host", NULL },
};

#define PORT(nr, fd) \
	"-chardev", "socket,id=port" #nr ",fd=" #fd, \
	"-device", "virtserialport,chardev=port" #nr ",nr=" #nr

static const char *const qemu_argv[] = {
	"qemu-system-x86_64",
	"-name", "lab",
	"-M", "q35,memory-backend=ram",
	"-accel", "tcg",
	"-cpu", CPU,
	"-smp", "1",
	"-m", "4096",
	"-nodefaults", "-no-user-config", "-no-reboot",
	"-display", "none",
	"-chardev", "file,id=console,path=/dev/fd/3,append=on",
	"-serial", "chardev:console",
	"-chardev", "socket,id=monitor,fd=8",
	"-mon", "chardev=monitor,mode=readline",
	/* One that was stopped to be frozen runs as soon as it is thawed. */
	"-global", "migration.store-global-state=off",
	"-device", "virtio-serial-pci",
	PORT(1, 11), PORT(2, 12), PORT(3, 13), PORT(4, 14), PORT(5, 15),
	/* A port takes 4 KiB at a time, and a lab an interrupt for each: a disk is ten times as fast. */
	"-drive", "file=/dev/fd/7,format=raw,if=none,id=stage,readonly=on,file.locking=off",
	"-device", "virtio-blk-pci,drive=stage",
	"-initrd", "/dev/fd/4",
	"-append", APPEND,
	"-kernel",
};

/* clang-format on */

static int open_console(struct machine *m, const char *path, struct err *e)
{
	/* A new file each time: another lab may still be writing to the one of that name. */
	unlink(path);
	m->console = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	return m->console < 0 ? err_sys(e, "create %s", path) : 0;
}

static int open_pair(int *ours, struct fdmap *qemus, int name, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair for the emulated host");
	*ours = pair[0];
	*qemus = (struct fdmap){ pair[1], name };
	return 0;
}

static int open_sockets(struct machine *m, struct fdmap *fds, struct err *e)
{
	int rc = open_pair(&m->monitor, fds++, QEMU_MONITOR, e);

	for (int p = PORT_CONTROL; rc == 0 && p < PORT_END; p++)
		rc = open_pair(&m->port[p], fds++, QEMU_PORTS + p, e);
	return rc;
}

/* With these words at the end of its argument list. */
static int spawn_qemu(struct machine *m, const struct machine_parts *parts, const struct fdmap *fds,
		      size_t nfds, const char *const *words, struct err *e)
{
	const char *argv[COUNT(qemu_argv) + 16];
	const char **end = argv + COUNT(qemu_argv);
	pid_t pid;

	memcpy(argv, qemu_argv, sizeof(qemu_argv));
	*end++ = parts->kernel;
	if (clocks[parts->clock].icount) {
		*end++ = "-icount";
		*end++ = clocks[parts->clock].icount;
	}
	while (*words)
		*end++ = *words++;
	*end = NULL;
	pid = spawn(
		&(struct spawn){
			.path = parts->emulator,
			.argv = (char *const *)argv,
			.fds = fds,
			.nfds = nfds,
			.new_session = 1, /* ^C on the terminal is for the command */
			.parent_death_sig = SIGKILL,
		},
		&m->pidfd);
	if (pid < 0)
		return err_set(e, (int)pid, "start %s: %s", parts->emulator, strerror(-pid));
	m->pid = pid;
	return 0;
}

int machine_clock_parse(enum machine_clock *clock, const char *text, struct err *e)
{
	for (size_t i = 0; i < COUNT(clocks); i++) {
		if (!strcmp(text, clocks[i].name)) {
			*clock = (enum machine_clock)i;
			return 0;
		}
	}
	return err_usage(e, "LAB_CLOCK=%s: neither counted, paced nor host", text);
}

/* A file of the folder. The descriptor, or negative with *e filled. */
static int open_in(const char *folder, const char *name, int flags, struct err *e)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

/* Of the one size there is, sparse. One that is frozen has an empty one, without a name. */
static int open_stage(const struct machine_parts *parts, struct err *e)
{
	int fd = parts->stage ? open(parts->stage, O_RDWR | O_CLOEXEC)
			      : open(parts->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const char *name = parts->stage ? parts->stage : parts->folder;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", name);
	if (st.st_size > MACHINE_STAGE_BYTES)
		return err_usage(e, "what goes into the lab has %lld MiB: at most %lld can",
				 (long long)st.st_size >> 20, MACHINE_STAGE_BYTES >> 20);
	return ftruncate(fd, MACHINE_STAGE_BYTES) < 0 ? err_sys(e, "extend %s", name) : fd;
}

static int start(struct machine *m, const struct machine_parts *parts, int flags,
		 const char *const *words, struct err *e)
{
	enum { FIXED = 8, ALL = FIXED + 1 + PORT_END - PORT_CONTROL };
	struct fdmap fds[ALL];
	int rc = 0;

	for (int i = 0; i < ALL; i++)
		fds[i] = (struct fdmap){ -1, i };
	if ((fds[0].from = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
		rc = err_sys(e, "open /dev/null");
	if (rc == 0)
		rc = open_console(m, parts->console, e);
	if (rc == 0)
		rc = fds[QEMU_INITRD].from = open_in(parts->folder, "initrd", O_RDONLY, e);
	if (rc >= 0)
		rc = fds[QEMU_RAM].from = open_in(parts->folder, "ram", O_RDWR | flags, e);
	if (rc >= 0)
		rc = fds[QEMU_STATE].from = open_in(parts->folder, "state", O_RDWR | flags, e);
	if (rc >= 0)
		rc = fds[QEMU_STAGE].from = open_stage(parts, e);
	if (rc >= 0)
		rc = open_sockets(m, fds + FIXED, e);
	if (rc == 0) {
		fds[1].from = fds[2].from = fds[QEMU_CONSOLE].from = m->console;
		rc = spawn_qemu(m, parts, fds, ALL, words, e);
	}
	for (size_t i = 0; i < ALL; i++)
		if (fds[i].from != m->console)
			fd_close(&fds[i].from);
	return MIN(rc, 0);
}

int machine_boot(struct machine *m, const struct machine_parts *parts, struct err *e)
{
	static const char *const words[] = {
		"-object", "memory-backend-file,id=ram,size=4G,mem-path=/dev/fd/5,share=on", NULL
	};

	return start(m, parts, O_CREAT | O_TRUNC, words, e);
}

/* Shared memory is where it is and needs no copy in the state. */
#define IGNORE_SHARED "migrate_set_capability x-ignore-shared on\n"

int machine_thaw(struct machine *m, const struct machine_parts *parts, struct err *e)
{
	static const char *const words[] = {
		"-object",   "memory-backend-file,id=ram,size=4G,mem-path=/dev/fd/5,share=off",
		"-incoming", "defer",
		NULL
	};
	static const char commands[] = IGNORE_SHARED "migrate_incoming fd:6\n";
	int rc = start(m, parts, 0, words, e);

	if (rc < 0)
		return rc;
	rc = fd_write_all(m->monitor, commands, strlen(commands));
	return rc < 0 ? err_set(e, rc, "QEMU's monitor: %s", strerror(-rc)) : 0;
}

/* ---- the frozen ---- */

/* `migrate` takes no descriptor by its number, but one that was sent along with a name. */
static int name_descriptor(struct machine *m, int fd, const char *command)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec text = { (char *)command, strlen(command) };
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(m->monitor, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Commands wait for the one before them; the last of them ends QEMU. */
static int tell_to_freeze(struct machine *m, int state)
{
	static const char before[] = "stop\n" IGNORE_SHARED;
	static const char after[] = "migrate fd:state\ninfo migrate\nquit\n";
	int rc = fd_write_all(m->monitor, before, strlen(before));

	if (rc == 0)
		rc = name_descriptor(m, state, "getfd state\n");
	return rc < 0 ? rc : fd_write_all(m->monitor, after, strlen(after));
}

int machine_freeze(struct machine *m, const struct machine_parts *parts, struct err *e)
{
	char said[8192];
	size_t len = 0;
	ssize_t n = 0;
	int state = open_in(parts->folder, "state", O_WRONLY, e), rc;

	if (state < 0)
		return state;
	rc = tell_to_freeze(m, state);
	while (rc == 0 && len < sizeof(said) - 1 &&
	       (n = fd_read(m->monitor, said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	fd_close(&state);
	if (rc < 0 || !strstr(said, "Migration status: completed"))
		return err_set(e, rc < 0 ? rc : -EIO, "QEMU could not be frozen: %s",
			       rc < 0 ? strerror(-rc) : said);
	machine_kill(m);
	return 0;
}

/* ---- the silent ---- */

static void wait_ms(int fd, int ms)
{
	poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms);
}

/* The monitor's answer, onto the console; of its lines, those with the instruction pointer are also
 * told. A terminal's echo is its first line, nothing but silence its end. The bytes it said. */
static size_t ask_monitor(struct machine *m, const char *command)
{
	enum { QUIET_MS = 500 };
	char text[8192], *line;
	size_t len = 0;
	ssize_t n;

	fd_write_all(m->monitor, command, strlen(command));
	do {
		wait_ms(m->monitor, QUIET_MS);
		n = recv(m->monitor, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
		len += (size_t)MAX(n, 0);
	} while (n > 0 && len < sizeof(text) - 1);
	text[len] = '\0';
	line = text + strcspn(text, "\n");
	fd_write_all(m->console, line, strlen(line));
	while ((line = strstr(line, "RIP="))) {
		fprintf(stderr, "  | %.*s\n", (int)strcspn(line, "\r\n"), line);
		line += strcspn(line, "\r\n");
	}
	return len;
}

void machine_autopsy(struct machine *m)
{
	enum { LOOKS = 5, PANIC_MS = 5000 };

	for (int i = 0; i < LOOKS; i++) {
		if (ask_monitor(m, "info registers\n") == 0) {
			fprintf(stderr, "lab: QEMU's own monitor is silent too\n");
			return;
		}
	}
	ask_monitor(m, "info lapic\n");
	ask_monitor(m, "nmi\n");
	wait_ms(m->pidfd, PANIC_MS);
}

/* proc(5): schedstat has the nanoseconds a thread ran, those it waited to, and how often it ran. */
uint64_t machine_starved_ms(const struct machine *m)
{
	uint64_t longest = 0;
	char path[64], text[128];
	const struct dirent *d;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)m->pid);
	tasks = opendir(path);
	while (tasks && (d = readdir(tasks))) {
		unsigned long long waited;
		char name[sizeof(d->d_name) + sizeof("/schedstat")];

		snprintf(name, sizeof(name), "%s/schedstat", d->d_name);
		if (fd_slurp(dirfd(tasks), name, text, sizeof(text)) > 0 &&
		    sscanf(text, "%*u %llu", &waited) == 1)
			longest = MAX(longest, waited / 1000000);
	}
	if (tasks)
		closedir(tasks);
	return longest;
}

void machine_kill(struct machine *m)
{
	if (m->pidfd < 0)
		return;
	kill(m->pid, SIGKILL);
	waitpid(m->pid, NULL, 0);
	fd_close(&m->pidfd);
}

void machine_obituary(struct machine *m, char *text, size_t cap)
{
	int status = 0;

	waitpid(m->pid, &status, 0);
	fd_close(&m->pidfd);
	if (WIFSIGNALED(status))
		snprintf(text, cap, "QEMU died from signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		snprintf(text, cap, "QEMU exited with status %d", WEXITSTATUS(status));
	else
		snprintf(text, cap, "its kernel stopped");
}

/* A backtrace's guesses ("] ? name") crowd out what matters. */
static int is_worth_reading(const char *line)
{
	return line[strspn(line, " \r")] != '\0' && !strstr(line, "]  ? ");
}

void machine_print_console(const struct machine *m)
{
	enum { LINES = 40 };
	char tail[16384], *line[LINES], *rest = tail;
	off_t end = lseek(m->console, 0, SEEK_END);
	off_t from = MAX(end - (off_t)sizeof(tail) + 1, 0);
	ssize_t n = pread(m->console, tail, sizeof(tail) - 1, from);
	unsigned lines = 0;

	tail[MAX(n, 0)] = '\0';
	while (rest) {
		char *text = strsep(&rest, "\n");

		if (is_worth_reading(text))
			line[lines++ % LINES] = text;
	}
	for (unsigned i = lines > LINES ? lines - LINES : 0; i < lines; i++)
		fprintf(stderr, "  | %.*s\n", (int)strcspn(line[i % LINES], "\r"), line[i % LINES]);
}
