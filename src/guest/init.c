/*
 * init - process 1 of the guest: brings it up, serves the host, ends it in order.
 *
 * The boot order is the table `boot`. What the host needs to reach us comes first; then the loop runs,
 * and what may be slow or fail comes beside the serving. Ready is said behind the last: what was
 * asked for is then there, or has been reported as failed.
 */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/util.h"
#include "guest/beacon.h"
#include "guest/bootid.h"
#include "guest/device.h"
#include "guest/handover.h"
#include "guest/ifup.h"
#include "guest/mainproc.h"
#include "guest/mount.h"
#include "guest/mounts.h"
#include "guest/poweroff.h"
#include "guest/reap.h"
#include "guest/resolv.h"
#include "guest/root.h"
#include "guest/services.h"
#include "guest/stages.h"
#include "guest/syscon.h"
#include "guest/sysctl.h"
#include "guest/vsock.h"
#include "proto/desc.h"
#include "proto/ports.h"
#include "proto/ready.h"

enum {
	GRACE_MS = 2000,     /* processes get this when the guest itself ends */
	EXIT_TOLD_MS = 2000, /* the host gets this to acknowledge the main process's end */
	ANNOUNCE_MS = 50,
	/* Devices of the machine are found before process 1 begins: who is still missing after this
	 * will not come. */
	WAIT_MS = 5000,
	LEASE_MS = 10000, /* of DHCP; an unanswered question is asked three times in it */
	CMDLINE_MAX = 4096,
};

/* What the host described, and the bytes its strings lie in: given back when the boot is over. */
struct description {
	struct guest_desc desc;
	uint8_t mem[DESC_BYTES_MAX];
};

struct init {
	struct loop loop;
	struct reap reap;
	struct poweroff poweroff;
	struct beacon beacon;
	struct services services;
	struct stages stages;
	struct timer announcing;
	int verbose;	    /* stages are told on the console as they happen */
	uint32_t wait_ms;   /* what a device gets to come */
	int64_t serving_ms; /* when the servers were there, since the kernel began */
	struct description *wanted;
	struct ifup ifup;
	int network_is_over, network_lacks_lease;
	struct resolv given, written; /* resolv.conf: of the description; as it was last made */
	int has_root;		      /* the one in whose /etc it is made */
	struct device_wait devices;
	struct mainproc main;
	struct exec_status main_status;
	int main_has_ended;
	struct handover handover;
	int split; /* what handover_split() said */
	char boot[BOOT_ID_LEN + 1], hostname[DESC_HOSTNAME_MAX + 1];
};

/* --- what comes before anybody is served --- */

static int stage_mounts(struct init *in, struct err *e)
{
	(void)in;
	return mounts_make(e);
}

static int stage_console(struct init *in, struct err *e)
{
	(void)in;
	return syscon_open(e);
}

/* What the machine's owner asks of us, whoever our VMM is: vmtool.verbose, vmtool.wait=TIME. */
static void read_kernels_words(struct init *in)
{
	char text[CMDLINE_MAX], *rest = text, *word;
	struct err e = ERR_NONE;

	if (fd_slurp(AT_FDCWD, "/proc/cmdline", text, sizeof(text)) <= 0)
		return;
	while ((word = strsep(&rest, " \n"))) {
		if (!strcmp(word, "vmtool.verbose"))
			in->verbose = 1;
		else if (!strncmp(word, "vmtool.wait=", 12) &&
			 parse_time(&in->wait_ms, "vmtool.wait", word + 12, &e) < 0)
			syscon_say("%s", e.text);
	}
}

/* Without a description we were started by another VMM than ours: that is no failure. */
static int stage_description(struct init *in, struct err *e)
{
	struct guest_desc *g = &in->wanted->desc;
	ssize_t n = fd_slurp(AT_FDCWD, GUEST_FILE, (char *)in->wanted->mem,
			     sizeof(in->wanted->mem));
	int rc;

	read_kernels_words(in);
	boot_id_of_kernel(in->boot);
	if (n == -ENOENT)
		return 0;
	unlink(GUEST_FILE);
	if (n < 0)
		return err_set(e, (int)n, "read " GUEST_FILE ": %s", strerror((int)-n));
	rc = guest_desc_decode(g, in->wanted->mem, (size_t)n);
	if (rc == 0 || rc == -EPROTONOSUPPORT)
		snprintf(in->boot, sizeof(in->boot), "%s", g->boot);
	else
		guest_desc_init(g); /* half of one is none */
	if (rc == -EPROTONOSUPPORT)
		return err_set(e, rc,
			       GUEST_FILE " is of a later version than %d, ours: the host's "
					  "vmtool is newer",
			       DESC_VERSION);
	if (rc < 0)
		return err_set(e, rc, GUEST_FILE " cannot be read");
	snprintf(in->hostname, sizeof(in->hostname), "%s", g->hostname);
	for (uint32_t i = 0; i < g->ndns; i++)
		resolv_add_dns(&in->given, &g->dns[i]);
	for (uint32_t i = 0; i < g->nsearch; i++)
		resolv_add_search(&in->given, g->search[i]);
	return 0;
}

static int stage_hostname(struct init *in, struct err *e)
{
	if (in->hostname[0] && sethostname(in->hostname, strlen(in->hostname)) < 0)
		return err_sys(e, "set the host name");
	return 0;
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

static int stage_stream(struct init *in, struct err *e)
{
	return services_vsock(&in->services, &services[SERVICE_STREAM], e);
}

/* Begins only: the answer comes to the loop, and so does the first client after it. */
static int stage_beacon(struct init *in, struct err *e)
{
	(void)e;
	in->serving_ms = clock_ms();
	beacon_light(&in->beacon, in->boot);
	return 0;
}

/* --- what may be slow --- */

static int stage_sysctls(struct init *in, struct err *e)
{
	return sysctl_set_all(in->wanted->desc.sysctls, in->wanted->desc.nsysctls, e);
}

static int stage_loopback(struct init *in, struct err *e)
{
	(void)in;
	return ifup_loopback(e);
}

/* With what was given first, and then each lease's. Without a name server or a domain, the image's
 * own file stays. */
static int make_resolv(struct init *in, struct err *e)
{
	static const struct resolv empty;
	struct resolv r = in->given;

	for (uint32_t i = 0; i < in->ifup.nnics; i++) {
		const struct dhcp_answer *l = &in->ifup.dhcp[i].lease; /* zero while none is held */

		for (uint32_t k = 0; k < l->ndns; k++) {
			struct desc_addr a = { .family = 4, .prefix = 32 };

			memcpy(a.bytes, l->dns[k], sizeof(l->dns[k]));
			resolv_add_dns(&r, &a);
		}
		for (uint32_t k = 0; k < l->nsearch; k++)
			resolv_add_search(&r, l->search[k]);
	}
	if (!memcmp(&r, &empty, sizeof(r)) || !memcmp(&r, &in->written, sizeof(r)))
		return 0;
	in->written = r;
	return resolv_write(&r, e);
}

static void network_over(struct ifup *u, struct err *e)
{
	struct init *in = CONTAINER(u, struct init, ifup);

	in->network_is_over = 1;
	in->network_lacks_lease = ifup_lacks_lease(u);
	stages_go_on(&in->stages, e);
}

/* The stage as it is now, where only a lease was missing; what else failed stays told. */
static void network_again(struct init *in, const struct dhcp *d)
{
	char text[STAGE_DETAIL_MAX];

	if (!dhcp_is_bound(d)) {
		in->network_lacks_lease = 1;
		snprintf(text, sizeof(text), "%s: the DHCP lease is lost", d->name);
		beacon_stage(&in->beacon, "network", STAGE_FAILED, text);
		syscon_say("%s", text);
	} else if (in->network_lacks_lease && !ifup_lacks_lease(&in->ifup)) {
		in->network_lacks_lease = 0;
		beacon_stage(&in->beacon, "network", STAGE_DONE, "");
		syscon_say("%s has a DHCP lease", d->name);
	}
}

static void leased(struct ifup *u, const struct dhcp *d)
{
	struct init *in = CONTAINER(u, struct init, ifup);
	struct err e = ERR_NONE;

	if (in->network_is_over && u->has_interfaces)
		network_again(in, d);
	if (in->has_root && make_resolv(in, &e) < 0)
		log_warn("resolv.conf: %s", e.text);
}

static int stage_network(struct init *in, struct err *e)
{
	const struct guest_desc *g = &in->wanted->desc;

	in->ifup.over = network_over;
	in->ifup.leased = leased;
	in->ifup.lease_ms = LEASE_MS;
	in->ifup.hostname = in->hostname;
	return ifup_begin(&in->ifup, &in->loop, g->nics, g->nnics, in->wait_ms, e);
}

static void devices_over(struct device_wait *w, struct err *e)
{
	stages_go_on(&CONTAINER(w, struct init, devices)->stages, e);
}

static int stage_devices(struct init *in, struct err *e)
{
	const struct guest_desc *g = &in->wanted->desc;

	device_want(&in->devices, g->root.source);
	device_want(&in->devices, g->root.upper);
	for (uint32_t i = 0; i < g->nmounts; i++)
		device_want(&in->devices, g->mounts[i].source);
	in->devices.over = devices_over;
	return device_wait_begin(&in->devices, &in->loop, in->wait_ms, e);
}

static int stage_root(struct init *in, struct err *e)
{
	return root_switch(&in->wanted->desc.root, e);
}

static int stage_resolv(struct init *in, struct err *e)
{
	in->has_root = 1;
	return make_resolv(in, e);
}

/* Goes on after a failure: a folder that is missing is better than all that are. */
static int stage_filesystems(struct init *in, struct err *e)
{
	for (uint32_t i = 0; i < in->wanted->desc.nmounts; i++) {
		struct err one = ERR_NONE;

		if (mount_one(&in->wanted->desc.mounts[i], &one) < 0 && e->code == 0)
			*e = one;
	}
	return e->code;
}

/* --- what the guest is for --- */

/* On another root, or without its data, it would do harm. */
static int is_broken(const struct init *in, const char *what, struct err *e)
{
	const char *broken = in->stages.broken;

	return broken ? err_set(e, -ECANCELED, "%s was not started, because stage %s failed", what,
				broken)
		      : 0;
}

/* The power is the other init's from here on, and so are the signals that ask for its end. */
static void handed_over(struct handover *h, int rc)
{
	struct init *in = CONTAINER(h, struct init, handover);
	struct err e = ERR_NONE;

	if (rc < 0)
		err_set(&e, rc, "%s: %s", in->wanted->desc.init[0], strerror(-rc));
	else
		in->poweroff.others = 1;
	stages_go_on(&in->stages, &e);
}

static int stage_handover(struct init *in, struct err *e)
{
	int rc = in->split;

	if (is_broken(in, in->wanted->desc.init[0], e))
		return e->code;
	in->handover.over = handed_over;
	if (rc == 0)
		rc = handover_give(&in->handover, &in->loop);
	if (rc == -ECHILD)
		return err_set(e, rc,
			       "the agent was killed before %s could be started, and "
			       "process 1 stays what it is",
			       in->wanted->desc.init[0]);
	return rc < 0 ? err_set(e, rc, "hand over to %s: %s", in->wanted->desc.init[0],
				strerror(-rc))
		      : 1;
}

static int stage_main(struct init *in, struct err *e)
{
	struct exec_req *q = &in->wanted->desc.main;

	if (is_broken(in, q->argv[0], e))
		return e->code;
	if (!in->services.execd)
		return err_set(e, -ENOTCONN, "no exec server to start it");
	return mainproc_start(&in->main, &in->loop, execd_sessions(in->services.execd), q, e);
}

/* --- the boot --- */

static int wants_main(const struct guest_desc *g)
{
	return g->has_main;
}

static int wants_sysctls(const struct guest_desc *g)
{
	return g->nsysctls > 0;
}

static int wants_network(const struct guest_desc *g)
{
	return g->nnics > 0;
}

static int wants_devices(const struct guest_desc *g)
{
	return g->root.kind != ROOT_INITRAMFS || g->nmounts > 0;
}

static int wants_root(const struct guest_desc *g)
{
	return g->root.kind != ROOT_INITRAMFS;
}

static int wants_resolv(const struct guest_desc *g)
{
	for (uint32_t i = 0; i < g->nnics; i++)
		if (g->nics[i].dhcp)
			return 1;
	return g->ndns > 0 || g->nsearch > 0;
}

static int wants_filesystems(const struct guest_desc *g)
{
	return g->nmounts > 0;
}

static int wants_handover(const struct guest_desc *g)
{
	return g->ninit > 0;
}

/* The root comes before what is written to it or mounted on it. */
static const struct stage boot[] = {
	{ "mounts", stage_mounts, WHEN_ALONE, NULL, 0 },
	{ "console", stage_console, WHEN_ALONE, NULL, 0 },
	{ "description", stage_description, WHEN_ALONE, NULL, 0 },
	{ "hostname", stage_hostname, WHEN_FIRST, NULL, 0 },
	{ "exec", stage_exec, WHEN_FIRST, NULL, 0 },
	{ "pty", stage_pty, WHEN_FIRST, NULL, 0 },
	{ "agent", stage_agent, WHEN_FIRST, NULL, 0 },
	{ "stream", stage_stream, WHEN_FIRST, NULL, 0 },
	{ "beacon", stage_beacon, WHEN_FIRST, NULL, 0 },
	{ "sysctls", stage_sysctls, WHEN_LATE, wants_sysctls, 0 },
	{ "loopback", stage_loopback, WHEN_LATE, NULL, 0 },
	{ "network", stage_network, WHEN_LATE, wants_network, 0 },
	{ "devices", stage_devices, WHEN_LATE, wants_devices, 1 },
	{ "root", stage_root, WHEN_LATE, wants_root, 1 },
	{ "resolv.conf", stage_resolv, WHEN_LATE, wants_resolv, 0 },
	{ "filesystems", stage_filesystems, WHEN_LATE, wants_filesystems, 1 },
	{ "main", stage_main, WHEN_LATE, wants_main, 0 },
	{ "handover", stage_handover, WHEN_LATE, wants_handover, 0 },
};

static void stage_told(struct init *in, const char *name, int state, const char *detail)
{
	beacon_stage(&in->beacon, name, (uint8_t)state, detail);
	if (state == STAGE_FAILED)
		syscon_say("stage %s failed: %.*s", name, STAGE_DETAIL_MAX, detail);
	else if (state == STAGE_DONE && in->verbose)
		syscon_say("%s %lld ms", name, (long long)clock_ms());
}

/* The marks as the console gets them: one line each, once the host has been served; for the console
 * is slow. What failed was told at once. */
static void announce(struct timer *t)
{
	struct init *in = CONTAINER(t, struct init, announcing);

	if (!in->verbose)
		for (size_t i = 0; i < in->beacon.nnotes; i++)
			if (in->beacon.notes[i].state == STAGE_DONE)
				syscon_say("%s %lld ms", in->beacon.notes[i].name,
					   (long long)in->beacon.notes[i].ms);
	if (in->services.execd)
		syscon_say("ready %lld ms", (long long)in->serving_ms);
	else
		syscon_say("up, but no host can reach it");
}

/* --- the end of the main process --- */

static void shut_down(struct init *in, int how)
{
	poweroff_begin(&in->poweroff, how, GRACE_MS);
}

static void exit_told(struct beacon *b)
{
	shut_down(CONTAINER(b, struct init, beacon), RB_POWER_OFF);
}

/* A host hears of ready before it hears of the end. */
static void main_ended(void *owner, const struct exec_status *s)
{
	struct init *in = owner;

	in->main_status = *s;
	in->main_has_ended = 1;
	if (!in->wanted)
		beacon_main_exit(&in->beacon, s, EXIT_TOLD_MS, exit_told);
}

static void boot_over(struct init *in)
{
	free(in->wanted);
	in->wanted = NULL;
	if (in->services.execd)
		beacon_ready(&in->beacon);
	if (in->main_has_ended)
		beacon_main_exit(&in->beacon, &in->main_status, EXIT_TOLD_MS, exit_told);
	in->announcing.due = announce;
	loop_after(&in->loop, &in->announcing, ANNOUNCE_MS);
}

/* --- the end, as poweroff tells it --- */

static void end_begins(struct poweroff *p)
{
	struct init *in = CONTAINER(p, struct init, poweroff);

	if (in->services.execd)
		execd_refuse(in->services.execd);
	beacon_stage(&in->beacon, "poweroff", STAGE_BEGIN, "");
}

static unsigned sessions(struct poweroff *p, int sig)
{
	struct init *in = CONTAINER(p, struct init, poweroff);

	return in->services.execd ? sessions_signal(execd_sessions(in->services.execd), sig) : 0;
}

static void end_stage_is(struct poweroff *p, const char *name, int state, const char *detail)
{
	beacon_stage(&CONTAINER(p, struct init, poweroff)->beacon, name, (uint8_t)state, detail);
}

static void disks_settled(struct poweroff *p, int settled)
{
	struct init *in = CONTAINER(p, struct init, poweroff);

	beacon_stage(&in->beacon, "poweroff", settled ? STAGE_DONE : STAGE_FAILED,
		     settled ? "" : "the disks did not settle in time");
	if (in->services.agentd)
		agentd_say_synced(in->services.agentd, settled);
}

static int is_awaited(struct poweroff *p)
{
	const struct init *in = CONTAINER(p, struct init, poweroff);

	return (in->services.agentd && agentd_is_awaited(in->services.agentd)) ||
	       (in->services.execd && execd_is_awaited(in->services.execd));
}

static const struct poweroff_events poweroff_events = {
	end_begins, sessions, end_stage_is, disks_settled, is_awaited,
};

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
	if (getpid() != 1)
		return; /* who wants the guest's end asks process 1 */
	for (size_t i = 0; i < COUNT(table); i++)
		if (si->ssi_signo == (uint32_t)table[i].sig)
			shut_down(in, table[i].how);
}

/* --- the whole --- */

static int connect_beacon(void)
{
	return vsock_connect(PORT_BEACON);
}

static const char *latest_stage(void *owner, uint8_t *state)
{
	const struct beacon_note *n = beacon_latest(owner);

	*state = n ? n->state : 0;
	return n ? n->name : NULL;
}

static void released(void *owner)
{
	struct init *in = owner;

	poweroff_check(&in->poweroff);
}

static void open_services(struct init *in)
{
	in->services = (struct services){
		.loop = &in->loop,
		.reap = &in->reap,
		.exec_options = {
			.vm = in->hostname,
			.boot = in->boot,
			.main_ended = main_ended,
			.released = released,
			.owner = in,
		},
		.agent_options = {
			.poweroff = &in->poweroff,
			.clock = &clock_ops_machine,
			.info = { .boot = in->boot, .stage = latest_stage, .owner = &in->beacon },
		},
	};
}

static void open_all(struct init *in)
{
	in->loop = LOOP_INIT;
	if (loop_open(&in->loop) < 0)
		syscon_say("no event loop in this kernel: nothing will be served");
	in->loop.signalled = signalled;
	reap_init(&in->reap);
	poweroff_init(&in->poweroff, &in->loop, &in->reap, &poweroff_events);
	open_services(in);
}

int init_run(struct err *e)
{
	struct init *in;

	if (getpid() != 1)
		return err_set(e, -EPERM, "only the first process of a guest can be init");
	syscon_occupy_fds();
	umask(022);
	log_open(STDERR_FILENO, "init", LOG_WARN);
	in = calloc(1, sizeof(*in));
	if (in)
		in->wanted = calloc(1, sizeof(*in->wanted));
	if (!in || !in->wanted) {
		free(in);
		return err_set(e, -ENOMEM, "no memory for a guest's first process");
	}
	guest_desc_init(&in->wanted->desc);
	in->wait_ms = WAIT_MS;
	in->handover = HANDOVER_NONE;
	in->stages = (struct stages){
		.table = boot,
		.count = COUNT(boot),
		.in = in,
		.of = &in->wanted->desc,
		.loop = &in->loop,
		.told = stage_told,
		.over = boot_over,
	};
	beacon_init(&in->beacon, &in->loop, connect_beacon);
	reboot(RB_DISABLE_CAD);

	/* From here on no path leads to exit: the kernel panics when process 1 ends. */
	stages_run(&in->stages, WHEN_ALONE);
	if (in->wanted->desc.ninit)
		in->split = handover_split(&in->handover, in->wanted->desc.init);
	open_all(in);
	stages_run(&in->stages, WHEN_FIRST);
	stages_begin(&in->stages);
	for (;;)
		loop_run(&in->loop);
}
