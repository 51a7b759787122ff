/*
 * bootclock - from the fork of a VMM to the line its guest's init prints, and what that cost.
 *
 *	bootclock vmtool|qemu KERNEL INITRD MIB CPUS APPEND MARK [DISK AIO | with DISKS TAP]
 *
 * prints "ms outside_kib exits": the time until the console showed MARK; the VMM's private memory that is not guest RAM (from
 * smaps: every mapping but the guest's); its exits to user space (the kernel's tracepoint
 * kvm:kvm_userspace_exit). Both VMMs are started by the same code and
 * watched through the same kind of pipe. With DISK, a raw file that is the guest's vda, it prints the console's
 * lines "disk ..." instead; AIO is threads, io_uring or, for ours, best. DISKS is how
 * many of /tmp/disk.0, /tmp/disk.1... it has, TAP what its card is on ("-": none).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "host/tap.h"
#include "proto/spec.h"

enum { DEADLINE_MS = 60000 };

struct job {
	const char *kernel, *initrd, *mib, *cpus, *append, *mark;
	const char *disk, *aio; /* or NULL */
	const char *tap;	/* or NULL */
	unsigned disks;
	int console; /* the guest's serial output goes here */
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void disk_path(char path[32], unsigned i)
{
	snprintf(path, 32, "/tmp/disk.%u", i);
}

/* Behind the words that are there: disks and, with a card, entropy and a balloon, which ours has always. */
static void add_devices(const char **argv, const struct job *j)
{
	static char drive[SPEC_DISKS_MAX][96], device[SPEC_DISKS_MAX][64], net[96];
	char path[32];

	while (*argv)
		argv++;
	for (unsigned i = 0; i < j->disks; i++) {
		disk_path(path, i);
		snprintf(drive[i], sizeof(drive[i]), "if=none,id=d%u,format=raw,file=%s", i, path);
		snprintf(device[i], sizeof(device[i]), "virtio-blk-device,drive=d%u", i);
		*argv++ = "-drive";
		*argv++ = drive[i];
		*argv++ = "-device";
		*argv++ = device[i];
	}
	if (j->tap) {
		snprintf(net, sizeof(net), "tap,id=n,ifname=%s,script=no,downscript=no", j->tap);
		const char *const more[] = { "-device", "virtio-rng-device", "-device", "virtio-balloon-device",
					     "-netdev", net, "-device", "virtio-net-device,netdev=n" };

		memcpy(argv, more, sizeof(more));
	}
}

static void exec_qemu(const struct job *j)
{
	char drive[256];

	dup2(j->console, 1);
	if (j->disk) {
		snprintf(drive, sizeof(drive), "if=none,id=vda,format=raw,file=%s,aio=%s", j->disk, j->aio);
		execlp("qemu-system-x86_64", "qemu-system-x86_64", "-M",
		       "microvm,pit=off,pic=off,rtc=off,isa-serial=on,pcie=on", "-accel", "kvm", "-cpu",
		       "host", "-m", j->mib, "-smp", j->cpus, "-nodefaults", "-no-user-config", "-display",
		       "none", "-no-reboot", "-serial", "stdio", "-kernel", j->kernel, "-initrd",
		       j->initrd, "-append", j->append, "-drive", drive, "-device",
		       "virtio-blk-pci,drive=vda", (char *)NULL);
	}
	/* What a careful user turns off; the rest stays at its default. It has no socket device,
	 * which we have: that is in its favour. */
	const char *argv[80] = { "qemu-system-x86_64", "-M",
				 j->disks || j->tap ? "microvm,pit=off,pic=off,rtc=off,isa-serial=on,ioapic2=on" :
						      "microvm,pit=off,pic=off,rtc=off,isa-serial=on",
				 "-accel", "kvm", "-cpu", "host", "-m", j->mib, "-smp", j->cpus, "-nodefaults",
				 "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel",
				 j->kernel, "-initrd", j->initrd, "-append", j->append };

	add_devices(argv, j);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fail("exec qemu-system-x86_64");
}

/* In the child: every descriptor of proto/spec.h in its place. */
static void place(int from, int to)
{
	if (dup2(from, to) < 0)
		fail("dup2");
}

static uint8_t aio_of(const struct job *j)
{
	if (!j->aio || !strcmp(j->aio, "best"))
		return SPEC_AIO_BEST;
	return !strcmp(j->aio, "threads") ? SPEC_AIO_THREADS : SPEC_AIO_IO_URING;
}

static void exec_vmtool(const struct job *j)
{
	enum { KVM = VMM_FD_FIRST, KERNEL, CONSOLE, VSOCK, INITRD, TAP, DISK, ASIDE = 40 };
	static uint8_t buf[SPEC_BYTES_MAX];
	struct spec s = {
		.cpus = (uint32_t)atoi(j->cpus),
		.memory_bytes = (uint64_t)atoi(j->mib) << 20,
		.guest_cid = 3,
		.kvm_fd = KVM,
		.kernel_fd = KERNEL,
		.console_fd = CONSOLE,
		.line_fd = -1,
		.vsock_fd = VSOCK,
		.vsock_messages_fd = -1,
		.vsock_path = "/tmp/bootclock.sock",
		.cmdline = j->append,
		.ninitrds = 1,
		.initrd_fd = { INITRD },
		.ndisks = j->disk ? 1 : 0,
		.disk = { { .fd = DISK, .overlay_fd = -1, .serial = "", .aio = aio_of(j) } },
		.nnics = j->tap ? 1 : 0,
		.nic[0] = { .fd = TAP, .kind = SPEC_NIC_TAP, .mac = { 2, 0, 0, 0, 0, 1 }, .vhost_fd = -1 },
	};
	struct err e = ERR_NONE;
	int spec[2], status[2];
	int kvm, kernel, initrd, vsock, disk, tap = 0;
	int many[SPEC_DISKS_MAX];
	char path[32];
	long len;

	for (unsigned i = 0; i < j->disks; i++) {
		disk_path(path, i);
		many[i] = fcntl(open(path, O_RDWR), F_DUPFD, ASIDE);
		s.disk[s.ndisks++] = (struct spec_disk){ .fd = DISK + (int)i, .overlay_fd = -1, .serial = "" };
	}
	if (j->tap)
		tap = fcntl(tap_open(j->tap, &s.nic[0].mtu, &e), F_DUPFD, ASIDE);
	len = spec_encode(&s, buf, sizeof(buf));

	unlink(s.vsock_path);
	kvm = fcntl(open("/dev/kvm", O_RDWR), F_DUPFD, ASIDE);
	kernel = fcntl(open(j->kernel, O_RDONLY), F_DUPFD, ASIDE);
	initrd = fcntl(open(j->initrd, O_RDONLY), F_DUPFD, ASIDE);
	vsock = fcntl(unix_listen(s.vsock_path, 16, &e), F_DUPFD, ASIDE);
	disk = j->disk ? fcntl(open(j->disk, O_RDWR), F_DUPFD, ASIDE) : 0;
	if (len < 0 || tap < 0 || disk < 0 || kvm < 0 || kernel < 0 || initrd < 0 || vsock < 0 || pipe(spec) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, status) < 0 ||
	    write(spec[1], buf, (size_t)len) != len)
		fail("prepare vmtool");
	close(spec[1]);
	place(j->console, 30);
	place(status[0], 31);
	place(spec[0], 32);
	place(32, VMM_FD_SPEC);
	place(31, VMM_FD_STATUS);
	place(30, CONSOLE);
	place(kvm, KVM);
	place(kernel, KERNEL);
	place(vsock, VSOCK);
	place(initrd, INITRD);
	if (j->disk)
		place(disk, DISK);
	for (unsigned i = 0; i < j->disks; i++)
		place(many[i], DISK + (int)i);
	if (j->tap)
		place(tap, TAP);
	execlp("vmtool", "vmtool", "vmm", (char *)NULL);
	fail("exec vmtool");
}

/* Exits to user space so far, of all VMs: what the kernel's trace buffers have seen of the event,
 * which pairs.sh switched on. -1 where there is no tracing. */
static long long count_exits(void)
{
	char path[96], text[512];
	long long total = 0;
	int cpu;

	for (cpu = 0;; cpu++) {
		const char *entries, *overrun;

		snprintf(path, sizeof(path), "/sys/kernel/tracing/per_cpu/cpu%d/stats", cpu);
		if (fd_slurp(AT_FDCWD, path, text, sizeof(text)) < 0)
			break;
		entries = strstr(text, "entries:");
		overrun = strstr(text, "overrun:");
		if (!entries || !overrun)
			return -1;
		total += atoll(entries + 8) + atoll(overrun + 8);
	}
	return cpu ? total : -1;
}

static char seen[1 << 20]; /* what the console said */

static void wait_for_mark(int console, const char *mark)
{
	size_t used = 0;
	int64_t end = clock_ms() + DEADLINE_MS;

	for (;;) {
		struct pollfd p = { .fd = console, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, (int)(end - clock_ms())) <= 0 || used == sizeof(seen) - 1) {
			fprintf(stderr, "bootclock: the mark did not come; the console said:\n%s\n",
				seen);
			exit(1);
		}
		n = read(console, seen + used, sizeof(seen) - 1 - used);
		if (n <= 0) {
			fprintf(stderr, "bootclock: the VMM ended; the console said:\n%s\n", seen);
			exit(1);
		}
		used += (size_t)n;
		if (memmem(seen, used, mark, strlen(mark)))
			return;
	}
}

static void print_disk_lines(void)
{
	for (char *line = strtok(seen, "\r\n"); line; line = strtok(NULL, "\r\n"))
		if (!strncmp(line, "disk ", 5))
			puts(line);
}

/* Private pages in mappings smaller than the guest's RAM, which may be in two pieces around the hole under 4 GiB. */
static long outside_kib(pid_t pid, long guest_kib)
{
	const long low_kib = 3 << 20;
	const long piece = guest_kib > low_kib ? guest_kib - low_kib : guest_kib;
	char path[64], line[512];
	long total = 0, size = 0, v;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "r");
	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Size: %ld kB", &v) == 1)
			size = v;
		else if (size < piece && (sscanf(line, "Private_Clean: %ld kB", &v) == 1 ||
					      sscanf(line, "Private_Dirty: %ld kB", &v) == 1))
			total += v;
	}
	fclose(f);
	return total;
}

int main(int argc, char **argv)
{
	int console[2];
	long long exits;
	int64_t start, took;
	struct job j;
	pid_t pid;

	if (argc != 8 && argc != 10 && (argc != 11 || atoi(argv[9]) > SPEC_DISKS_MAX)) {
		fprintf(stderr, "usage: bootclock vmtool|qemu KERNEL INITRD MIB CPUS APPEND MARK "
				"[DISK AIO | with DISKS TAP]\n");
		return 2;
	}
	j = (struct job){ argv[2], argv[3], argv[4], argv[5], argv[6], argv[7], NULL, NULL, NULL, 0, -1 };
	if (argc == 10) {
		j.disk = argv[8];
		j.aio = argv[9];
	} else if (argc == 11) {
		j.disks = (unsigned)atoi(argv[9]);
		j.tap = strcmp(argv[10], "-") ? argv[10] : NULL;
	}
	if (pipe2(console, O_CLOEXEC) < 0)
		fail("pipe");
	j.console = console[1];
	exits = count_exits();
	start = clock_us();
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!strcmp(argv[1], "qemu"))
			exec_qemu(&j);
		exec_vmtool(&j);
	}
	close(console[1]);
	wait_for_mark(console[0], j.mark);
	took = clock_us() - start;
	if (j.disk)
		print_disk_lines();
	else
		printf("%.3f %ld %lld\n", (double)took / 1000, outside_kib(pid, atol(j.mib) * 1024),
	       exits < 0 ? -1LL : count_exits() - exits);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
