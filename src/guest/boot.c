/*
 * boot - the stages in which process 1 brings the guest up.
 *
 * What the host needs to reach us comes first; then the loop runs, and what may be slow or fail comes
 * beside the serving.
 */
#include "guest/init_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/util.h"
#include "guest/modules.h"
#include "guest/mount.h"
#include "guest/mounts.h"
#include "guest/root.h"
#include "guest/sshkeys.h"
#include "guest/syscon.h"
#include "guest/sysctl.h"
#include "proto/ready.h"

enum {
	LEASE_MS = 10000, /* of DHCP; an unanswered question is asked three times in it */
	CMDLINE_MAX = 4096,
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

static int stage_modules(struct init *in, struct err *e)
{
	(void)in;
	return modules_load(GUEST_MODULES, e);
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

static int stage_ssh(struct init *in, struct err *e)
{
	return sshkeys_put("", &in->wanted->desc.ssh, e);
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

static int stage_services(struct init *in, struct err *e)
{
	if (is_broken(in, "no service", e))
		return e->code;
	if (!in->services.execd)
		return err_set(e, -ENOTCONN, "no exec server to start them");
	return supervisor_begin(&in->supervisor, &in->loop, execd_sessions(in->services.execd),
				&in->wanted->desc, e);
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

/* --- who wants which, and in which order --- */

static int wants_services(const struct guest_desc *g)
{
	return g->nservices > 0;
}

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

static int wants_ssh(const struct guest_desc *g)
{
	return g->ssh.user[0] != '\0';
}

static int wants_handover(const struct guest_desc *g)
{
	return g->ninit > 0;
}

/* The root comes before what is written to it or mounted on it. */
const struct stage boot_stages[] = {
	{ "mounts", stage_mounts, WHEN_ALONE, NULL, 0 },
	{ "console", stage_console, WHEN_ALONE, NULL, 0 },
	{ "modules", stage_modules, WHEN_ALONE, NULL, 0 },
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
	{ "ssh", stage_ssh, WHEN_LATE, wants_ssh, 0 },
	{ "services", stage_services, WHEN_LATE, wants_services, 0 },
	{ "main", stage_main, WHEN_LATE, wants_main, 0 },
	{ "handover", stage_handover, WHEN_LATE, wants_handover, 0 },
};

const size_t boot_stage_count = COUNT(boot_stages);
