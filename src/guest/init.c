/*
 * init - process 1 of the guest: brings it up, serves the host, ends it in order.
 *
 * The boot order is the table `stages`. What the host needs to reach us comes first; then the
 * loop runs, and what may be slow or fail comes one stage a turn, beside the serving. A stage
 * that fails is reported and left behind: a guest that answers can be helped.
 */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "guest/beacon.h"
#include "guest/mounts.h"
#include "guest/poweroff.h"
#include "guest/reap.h"
#include "guest/services.h"
#include "guest/vsock.h"
#include "proto/ports.h"
#include "proto/ready.h"

enum {
	DESC_MAX = 4096,
	HOSTNAME_ROOM = 65,
	GRACE_MS = 2000,     /* processes get this when the guest itself ends */
	EXIT_TOLD_MS = 2000, /* the host gets this to acknowledge the main process's end */
	ANNOUNCE_MS = 50,
};

struct init {
	struct loop loop;
	struct reap reap;
	struct poweroff poweroff;
	struct beacon beacon;
	struct services services;
	struct timer step; /* the next late stage */
	size_t next_stage;
	int64_t serving_ms; /* when the servers were there, since the kernel began */
	char boot[BOOT_ID_LEN + 1], hostname[HOSTNAME_ROOM];
};

/* One line for whoever watches the console; each byte costs a serial port's time. */
__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char line[STAGE_DETAIL_MAX + 64] = "vmtool: ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 8, sizeof(line) - 9, fmt, ap);
	va_end(ap);
	strcat(line, "\n");
	(void)fd_write_all(STDERR_FILENO, line, strlen(line));
}

/* --- stages --- */

static int stage_mounts(struct init *in, struct err *e)
{
	(void)in;
	return mounts_make(e);
}

/* The kernel gives us its console as 0, 1 and 2 only where the initramfs had the device. */
static int stage_console(struct init *in, struct err *e)
{
	struct stat st;
	int fd;

	(void)in;
	if (fstat(STDERR_FILENO, &st) == 0 && !S_ISDIR(st.st_mode))
		return 0; /* not what occupy_standard_fds() put there */
	fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open /dev/console");
	for (int std = 0; std <= STDERR_FILENO; std++)
		dup2(fd, std);
	fd_close(&fd);
	return 0;
}

static void use_kernels_boot_id(struct init *in)
{
	char text[64] = "";

	if (fd_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) > 0)
		snprintf(in->boot, sizeof(in->boot), "%.*s", BOOT_ID_LEN, text);
}

/* Without a description we were started by another VMM than ours: that is no failure. */
static int stage_description(struct init *in, struct err *e)
{
	char mem[DESC_MAX];
	struct guest_desc desc;
	ssize_t n = fd_slurp(AT_FDCWD, GUEST_FILE, mem, sizeof(mem));

	use_kernels_boot_id(in);
	if (n == -ENOENT)
		return 0;
	unlink(GUEST_FILE);
	if (n < 0)
		return err_set(e, (int)n, "read " GUEST_FILE ": %s", strerror((int)-n));
	if (guest_desc_decode(&desc, mem, (size_t)n) < 0)
		return err_set(e, -EPROTO,
			       GUEST_FILE " cannot be read: is the host's vmtool older?");
	snprintf(in->boot, sizeof(in->boot), "%s", desc.boot);
	snprintf(in->hostname, sizeof(in->hostname), "%s", desc.hostname);
	return 0;
}

static int stage_hostname(struct init *in, struct err *e)
{
	if (in->hostname[0] && sethostname(in->hostname, strlen(in->hostname)) < 0)
		return err_sys(e, "set the host name");
	return 0;
}

static void shut_down(struct init *in, int how)
{
	if (in->services.execd)
		execd_refuse(in->services.execd);
	beacon_stage(&in->beacon, "poweroff", STAGE_BEGIN, "");
	poweroff_begin(&in->poweroff, how, GRACE_MS);
}

static void exit_told(struct beacon *b)
{
	shut_down(CONTAINER(b, struct init, beacon), RB_POWER_OFF);
}

static void main_ended(void *owner, const struct exec_status *s)
{
	struct init *in = owner;

	beacon_main_exit(&in->beacon, s, EXIT_TOLD_MS, exit_told);
}

static void released(void *owner)
{
	struct init *in = owner;

	poweroff_check(&in->poweroff);
}

static void host_powers_off(struct agentd *d)
{
	struct init *in = CONTAINER(d, struct init, services.agentd);

	if (in->services.execd)
		execd_refuse(in->services.execd);
}

static void disks_settled(struct poweroff *p)
{
	agentd_say_synced(&CONTAINER(p, struct init, poweroff)->services.agentd);
}

static int is_awaited(struct poweroff *p)
{
	const struct init *in = CONTAINER(p, struct init, poweroff);

	return agentd_is_awaited(&in->services.agentd) ||
	       (in->services.execd && execd_is_awaited(in->services.execd));
}

static int stage_exec(struct init *in, struct err *e)
{
	return services_vsock(&in->services, &services[SERVICE_EXEC], e);
}

static int stage_pty(struct init *in, struct err *e)
{
	return services_vsock(&in->services, &services[SERVICE_PTY], e);
}

static int stage_agent(struct init *in, struct err *e)
{
	return services_vsock(&in->services, &services[SERVICE_AGENT], e);
}

static int connect_beacon(void)
{
	return vsock_connect(PORT_BEACON);
}

/* Begins only: the answer comes to the loop, and so does the first client after it. */
static int stage_beacon(struct init *in, struct err *e)
{
	(void)e;
	in->serving_ms = clock_ms();
	if (in->services.execd)
		beacon_ready(&in->beacon);
	beacon_light(&in->beacon, in->boot);
	return 0;
}

static int stage_loopback(struct init *in, struct err *e)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	(void)in;
	if (fd < 0)
		return err_sys(e, "no IPv4 in this kernel");
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		rc = err_sys(e, "bring up lo");
	fd_close(&fd);
	return rc;
}

static const struct stage {
	const char *name;
	int (*run)(struct init *in, struct err *e);
	int late; /* it and those behind it run beside the serving */
} stages[] = {
	{ "mounts", stage_mounts, 0 },
	{ "console", stage_console, 0 },
	{ "description", stage_description, 0 },
	{ "hostname", stage_hostname, 0 },
	{ "exec", stage_exec, 0 },
	{ "pty", stage_pty, 0 },
	{ "agent", stage_agent, 0 },
	{ "beacon", stage_beacon, 0 },
	{ "loopback", stage_loopback, 1 },
};

static void run_stage(struct init *in, const struct stage *s)
{
	struct err e = ERR_NONE;

	beacon_stage(&in->beacon, s->name, STAGE_BEGIN, "");
	if (s->run(in, &e) < 0) {
		beacon_stage(&in->beacon, s->name, STAGE_FAILED, e.text);
		say("stage %s failed: %.*s", s->name, STAGE_DETAIL_MAX, e.text);
	} else {
		beacon_stage(&in->beacon, s->name, STAGE_DONE, "");
	}
}

static void announce(const struct init *in)
{
	if (in->services.execd)
		say("ready %lld ms", (long long)in->serving_ms);
	else
		say("up, but no host can reach it");
}

/* One late stage a turn of the loop: no client waits for two of them. */
static void step_due(struct timer *t)
{
	struct init *in = CONTAINER(t, struct init, step);

	if (in->next_stage < COUNT(stages)) {
		run_stage(in, &stages[in->next_stage++]);
		/* The console is slow: it is written to when the host has been served. */
		loop_after(&in->loop, &in->step, in->next_stage < COUNT(stages) ? 0 : ANNOUNCE_MS);
	} else {
		announce(in);
	}
}

/* --- signals --- */

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	/* As busybox's halt, poweroff and reboot ask for it. A halted VM is of use to nobody: it
	 * is powered off. INT is the kernel's ctrl-alt-del, PWR an empty battery. */
	static const struct {
		int sig, how;
	} table[] = {
		{ SIGUSR1, RB_POWER_OFF }, { SIGUSR2, RB_POWER_OFF }, { SIGPWR, RB_POWER_OFF },
		{ SIGTERM, RB_AUTOBOOT },  { SIGINT, RB_AUTOBOOT },
	};
	struct init *in = CONTAINER(l, struct init, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&in->reap);
	for (size_t i = 0; i < COUNT(table); i++)
		if (si->ssi_signo == (uint32_t)table[i].sig)
			shut_down(in, table[i].how);
}

/* --- the whole --- */

/* A socket of ours must never become somebody's stderr. */
static void occupy_standard_fds(void)
{
	int fd;

	do
		fd = open("/", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		fd_close(&fd);
}

static void open_services(struct init *in)
{
	in->services = (struct services){
		.loop = &in->loop,
		.reap = &in->reap,
		.poweroff = &in->poweroff,
		.exec_options = {
			.vm = in->hostname,
			.boot = in->boot,
			.main_ended = main_ended,
			.released = released,
			.owner = in,
		},
		.agentd.going = host_powers_off,
	};
}

int init_run(struct err *e)
{
	struct init *in;

	if (getpid() != 1)
		return err_set(e, -EPERM, "only the first process of a guest can be init");
	occupy_standard_fds();
	umask(022);
	log_open(STDERR_FILENO, "init", LOG_WARN);
	in = calloc(1, sizeof(*in));
	if (!in)
		return err_set(e, -ENOMEM, "no memory for a guest's first process");
	in->loop = LOOP_INIT;
	if (loop_open(&in->loop) < 0)
		say("no event loop in this kernel: nothing will be served");
	in->loop.signalled = signalled;
	in->step.due = step_due;
	reap_init(&in->reap);
	poweroff_init(&in->poweroff, &in->loop, &in->reap);
	in->poweroff.synced = disks_settled;
	in->poweroff.is_awaited = is_awaited;
	open_services(in);
	beacon_init(&in->beacon, &in->loop, connect_beacon);
	reboot(RB_DISABLE_CAD);

	/* From here on no path leads to exit: the kernel panics when process 1 ends. */
	while (!stages[in->next_stage].late)
		run_stage(in, &stages[in->next_stage++]);
	loop_after(&in->loop, &in->step, 0);
	for (;;)
		loop_run(&in->loop);
}
