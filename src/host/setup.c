/*
 * setup - what a start does before it has to wait: descriptors, sockets, the vmm process.
 */
#include "host/setup.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/agent_parts.h"
#include "host/bootfiles.h"
#include "host/console.h"
#include "host/initrd.h"
#include "host/kvm.h"
#include "host/overlays.h"
#include "host/published.h"
#include "host/requests.h"
#include "host/text.h"
#include "host/vmid.h"
#include "host/vmkeys.h"

static const char stage_prepare[] = "prepare"; /* descriptors opened, initrd made */

static int expect_banner(struct agent *a, struct err *e)
{
	const char *text = a->config.proof.banner;
	char path[SOCKET_PATH_ROOM], mux[SOCKET_PATH_ROOM + 32];
	struct endpoint where;
	int rc;

	if (!text[0])
		return 0;
	if (strncmp(text, "vsock:", 6) == 0) {
		snprintf(mux, sizeof(mux), "vsock-mux:%s:%s",
			 sockets_path(path, a->sockets.dir, "vsock.sock"), text + 6);
		text = mux;
	}
	rc = endpoint_parse(&where, text, e);
	if (rc == 0)
		ready_expect_ssh(&a->ready, &where);
	return rc;
}

static enum boot_way boot_way(const struct config *c)
{
	if (!proof_has_agent(&c->proof))
		return BOOT_PLAIN;
	return c->proof.is_plain || c->guest.desc.ninit > 0 ? BOOT_OTHER : BOOT_OURS;
}

/* What has to hold, and where the guest says so: an agent to the beacon, systemd to notify. */
static int listen_ready(struct agent *a, struct err *e)
{
	const struct proof *p = &a->config.proof;
	int beacon = -1, systemd = -1, rc;

	if (proof_has_agent(p) && (beacon = sockets_listen(&a->sockets, "vsock.sock_4088", e)) < 0)
		return beacon;
	if (p->is_plain && (systemd = sockets_listen(&a->sockets, "vsock.sock_4094", e)) < 0) {
		fd_close(&beacon);
		return systemd;
	}
	a->ready_ask = (struct ready_ask){
		.way = boot_way(&a->config),
		.required = p->required,
		.probes = &p->probes,
		.scripts = &p->scripts,
	};
	ready_expect(&a->ready, &a->ready_ask);
	a->ready.vm = &a->vm;
	rc = ready_start(&a->ready, &a->loop, &a->tl, beacon, systemd, a->sockets.dir,
			 agent_ready_changed);
	if (rc < 0)
		return err_set(e, rc, "watch the guest's sockets: %s", strerror(-rc));
	rc = provision_load(&a->ready.boot.provision, &p->scripts, &a->vm, e);
	return rc < 0 ? rc : expect_banner(a, e);
}

/* A machine that runs is no proof of anything that anybody could use. */
static int check_proof(const struct agent *a, struct err *e)
{
	if (a->config.proof.required >> VM_ALIVE & 1)
		return 0;
	for (unsigned i = VM_ALIVE + 1; i < a->ready.conditions.count; i++)
		if (a->ready.conditions.list[i].gates)
			return 0;
	return err_usage(
		e,
		"nothing would prove a plain VM ready: say where its sshd answers (--banner), give it a "
		"[probe NAME] from the host, or --require agent_up (a guest-agent of its own), boot_done "
		"(its systemd's word) or vm_alive (no proof at all)");
}

int setup_listen(struct agent *a, struct err *e)
{
	int fd, rc = listen_ready(a, e);

	if (rc < 0)
		return rc;
	fd = sockets_listen(&a->sockets, "ready.sock", e);
	if (fd < 0)
		return fd;
	rc = signpost_start(&a->signpost, &a->loop, fd, a->vm.dir, a->st.boot);
	if (rc < 0)
		return err_set(e, rc, "watch ready.sock: %s", strerror(-rc));
	fd = sockets_listen(&a->sockets, "agent.sock", e);
	if (fd < 0)
		return fd;
	rc = control_start(&a->control, &a->loop, fd, requests_take);
	return rc < 0 ? err_set(e, rc, "watch agent.sock: %s", strerror(-rc)) : 0;
}

/* What the vmm serves. */
static int listen_for_vmm(struct agent *a, struct err *e)
{
	a->files.sockets_dir = a->sockets.dir;
	a->files.sockets_lock = a->sockets.lock;
	a->files.vsock_name = "vsock.sock";
	a->files.vsock = sockets_listen(&a->sockets, "vsock.sock", e);
	if (a->files.vsock < 0)
		return a->files.vsock;
	a->files.vsock_messages = sockets_listen_messages(&a->sockets, "vsock.sock_seqpacket", e);
	if (a->files.vsock_messages < 0)
		return a->files.vsock_messages;
	a->files.line = sockets_listen(&a->sockets, "console.sock", e);
	return MIN(a->files.line, 0);
}

static int listen_all(struct agent *a, struct err *e)
{
	int rc;

	rc = sockets_open(&a->sockets, &a->home, a->vm.name, e);
	if (rc < 0)
		return rc;
	snprintf(a->st.sockets, sizeof(a->st.sockets), "%s", a->sockets.path);
	rc = listen_for_vmm(a, e);
	return rc < 0 ? rc : setup_listen(a, e);
}

static int open_disks(struct agent *a, struct err *e)
{
	const struct disks *d = &a->config.disks;
	struct vmm_files *f = &a->files;
	int rc = disks_open(d, &a->home, a->vm.name, f->disk, &f->ndisks, e);

	for (unsigned i = 0; i < f->ndisks; i++)
		f->overlay[i] = -1;
	for (unsigned i = 0; i < f->ndisks && rc >= 0; i++)
		if (d->disk[i].overlay)
			rc = f->overlay[i] = overlays_open(&a->vm, d, i, f->disk[i], e);
	return rc;
}

static int open_nics(struct agent *a, struct err *e)
{
	char id[VMID_LEN + 1];
	int rc = vmid_read(a->home.vms, a->vm.name, id);

	if (rc < 0)
		return a->config.nics.count ? err_set(e, rc, "%s: read its id: %s", a->vm.name,
						      strerror(-rc))
					    : 0;
	return nics_open(&a->config.nics, &a->home, a->vm.name, id, a->files.nic, &a->files.nnics, e);
}

static int open_files(struct agent *a, struct err *e)
{
	struct guest_desc *desc = &a->config.guest.desc;
	struct bootfiles boot = BOOTFILES_NONE;
	int rc;

	desc->boot = a->st.boot;
	if (!desc->hostname[0])
		desc->hostname = a->vm.name;
	rc = a->files.kvm = kvm_open(e);
	if (rc >= 0)
		rc = bootfiles_open(&a->config, &a->home, &boot, e);
	a->files.kernel = boot.kernel;
	a->files.initrd[0] = boot.initrd;
	a->files.initrd[1] = boot.modules;
	if (rc >= 0)
		rc = open_disks(a, e);
	if (rc >= 0)
		rc = open_nics(a, e);
	if (rc >= 0)
		rc = vmkeys_give(&a->config.guest, &a->vm, e);
	if (rc >= 0 && !a->config.proof.is_plain)
		rc = a->files.initrd[2] = initrd_ours(desc, e);
	if (rc >= 0)
		rc = a->files.console = console_open(&a->vm, &a->console_from, e);
	a->st.console_from = a->console_from;
	return MIN(rc, 0);
}

static int prepare(struct agent *a, struct err *e)
{
	int rc = open_files(a, e);

	if (rc == 0)
		rc = listen_all(a, e);
	if (rc == 0)
		rc = published_open(a, e);
	return rc < 0 ? rc : check_proof(a, e);
}

static int prepare_again(struct agent *a, struct err *e)
{
	int rc = open_files(a, e);

	if (rc == 0)
		rc = sockets_relock(&a->sockets, e);
	if (rc == 0)
		rc = listen_for_vmm(a, e);
	if (rc == 0)
		rc = listen_ready(a, e);
	return rc < 0 ? rc : published_expect_ssh(a, e);
}

static void hear_of_vmm(struct agent *a)
{
	a->vmm.running = agent_vmm_running;
	a->vmm.pause_changed = agent_pause_changed;
	a->vmm.went_on = agent_vmm_went_on;
	a->vmm.disk_failed = agent_disk_failed;
	a->vmm.ended = agent_vmm_ended;
}

int setup_rejoin(struct agent *a, struct err *e)
{
	hear_of_vmm(a);
	return vmmchild_adopt(&a->vmm, &a->loop, &a->vm, e);
}

static int start_vmm(struct agent *a, struct err *e)
{
	char cmdline[SPEC_CMDLINE_MAX + 1];
	struct spec spec;
	int rc = machine_describe(&a->config, a->st.boot, cmdline, &spec, e);

	if (rc < 0)
		return rc;
	hear_of_vmm(a);
	rc = vmmchild_start(&a->vmm, &a->loop, &spec, &a->vm, &a->files, e);
	if (rc == 0)
		vmm_files_close(&a->files); /* a connection to a dead vmm is refused, not queued */
	return rc;
}

struct setup_step {
	const char *stage;
	int (*step)(struct agent *a, struct err *e);
	int over; /* done when it returns */
};

static int run_steps(struct agent *a, const struct setup_step *steps, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		int rc;

		timeline_stage(&a->tl, steps[i].stage, STAGE_BEGIN, "");
		rc = steps[i].step(a, e);
		if (rc < 0) {
			char clean[EVENT_MAX / 4];

			text_escape(clean, sizeof(clean), e->text, strlen(e->text));
			timeline_stage(&a->tl, steps[i].stage, STAGE_FAILED, clean);
			return rc;
		}
		if (steps[i].over)
			timeline_stage(&a->tl, steps[i].stage, STAGE_DONE, "");
	}
	return 0;
}

int setup_begin(struct agent *a, struct err *e)
{
	static const struct setup_step steps[] = { { stage_prepare, prepare, 1 },
						   { STAGE_VMM, start_vmm, 0 } };

	return run_steps(a, steps, COUNT(steps), e);
}

int setup_again(struct agent *a, struct err *e)
{
	static const struct setup_step steps[] = { { stage_prepare, prepare_again, 1 },
						   { STAGE_VMM, start_vmm, 0 } };

	return run_steps(a, steps, COUNT(steps), e);
}
