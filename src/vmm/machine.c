/*
 * machine - the board: which devices there are, where, and how a run of it ends.
 */
#include "vmm/machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/sparse.h"
#include "base/util.h"
#include "vmm/acpi.h"
#include "vmm/boot_x86_64.h"
#include "vmm/layover.h"
#include "vmm/load.h"
#include "vmm/probe.h"
#include "vmm/sandbox.h"
#include "vmm/seed.h"

enum {
	SLOT_VSOCK = 1,
	SLOT_RNG = 2,
	SLOT_BALLOON = 3,
	SLOT_HVC = 4,
	SLOT_NIC = 8, /* and on */
	SLOT_DISK = 16, /* and on: Linux names disks in the order of slots */
	CLASS_ETHERNET = 0x020000,
	CLASS_OTHER_NETWORK = 0x028000,
	CLASS_OTHER_STORAGE = 0x018000,
	CLASS_OTHER = 0xff0000,
	DRAIN_MS = 1000, /* how long a slow host client may hold up the end */
};

/* --- how it ends ---------------------------------------------------------------------------- */

/* The first reason counts. Under the lock, on any thread. */
static void end(struct machine *m, enum vmm_reason reason, const char *text)
{
	if (m->end.reason)
		return;
	snprintf(m->end_text, sizeof(m->end_text), "%s", text);
	m->end.reason = (uint8_t)reason;
	m->end.text = m->end_text;
	atomic_store(&m->shared.stop, 1);
	loop_wake(&m->loop);
}

static void reset(struct machine *m, const char *text)
{
	end(m, m->power.panicked ? VMM_PANIC : VMM_REBOOT, text);
}

static void power_event(struct power *p, enum power_event ev)
{
	struct machine *m = CONTAINER(p, struct machine, power);

	if (ev == POWER_OFF)
		end(m, VMM_POWEROFF, "");
	else
		reset(m, "");
}

static void vcpu_died(struct vcpu_shared *s, int asked_for_reset, const char *text)
{
	struct machine *m = CONTAINER(s, struct machine, shared);

	if (asked_for_reset)
		reset(m, text);
	else
		end(m, VMM_ERROR, text);
}

/* --- what the agent asks for, by signals (proto/spec.h): they need no descriptor ------------- */

static void press_button(struct machine *m)
{
	static const uint64_t one = 1;

	(void)fd_write(m->button_irqfd, &one, sizeof(one));
}

static void tell_pause(struct machine *m, int paused)
{
	if (m->pause_changed)
		m->pause_changed(paused);
}

static void vcpu_stands(struct vcpu_shared *s)
{
	struct machine *m = CONTAINER(s, struct machine, shared);

	if (s->parked == m->cpus)
		tell_pause(m, 1);
}

static void pause_cpus(struct machine *m)
{
	if (atomic_exchange(&m->shared.paused, 1))
		return;
	for (unsigned i = 0; i < m->cpus; i++)
		vcpu_kick(&m->vcpu[i]);
}

static void resume_cpus(struct machine *m)
{
	if (!atomic_exchange(&m->shared.paused, 0))
		return;
	pthread_cond_broadcast(&m->shared.resume);
	tell_pause(m, 0);
}

/* Under the lock, as all that the loop calls. */
static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct machine *m = CONTAINER(l, struct machine, loop);

	switch (si->ssi_signo) {
	case SIGTERM:
	case SIGINT:
		end(m, VMM_KILLED, "");
		break;
	case VMM_SIG_BUTTON:
		press_button(m);
		break;
	case VMM_SIG_PAUSE:
		pause_cpus(m);
		break;
	case VMM_SIG_RESUME:
		resume_cpus(m);
		break;
	case SIGCONT:
		if (m->continued)
			m->continued();
		break;
	}
}

/* --- the board ------------------------------------------------------------------------------ */

static int add_legacy(struct machine *m, const struct spec *s, struct err *e)
{
	int rc;

	m->power.event = power_event;
	power_attach(&m->power, &m->shared.ports);
	cmos_attach(&m->cmos, &m->shared.ports);
	m->serial_irqfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->button_irqfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = m->button_irqfd < 0 ? -errno : vm_irqfd(&m->vm, GSI_BUTTON, m->button_irqfd, 1);
	if (rc < 0)
		return err_set(e, rc, "make the power button: %s", strerror(-rc));
	rc = m->serial_irqfd < 0 ? -errno : vm_irqfd(&m->vm, GSI_COM1, m->serial_irqfd, 1);
	if (rc == 0)
		rc = conline_open(&m->line, s->console_fd, &m->loop);
	if (rc == 0)
		serial_attach(&m->serial, &m->line, m->serial_irqfd, &m->shared.ports);
	if (rc == 0 && s->line_fd >= 0)
		rc = consoled_start(&m->consoled, &m->line, &m->loop, s->line_fd);
	return rc < 0 ? err_set(e, rc, "make the serial port: %s", strerror(-rc)) : 0;
}

static uint32_t window_of(unsigned slot)
{
	return (uint32_t)GPA_PCI_MEM + slot * VPCI_BAR_BYTES;
}

static int add_vsock(struct machine *m, const struct spec *s, struct err *e)
{
	size_t len = (size_t)VSOCK_CONNS * VSOCK_MEMORY;
	int rc;

	/* Address space only: a page costs memory once a connection has filled it. */
	m->vsock_buffers = sparse_map(len);
	if (!m->vsock_buffers)
		return err_sys(e, "map the socket device's buffers");
	vsockd_init(&m->vsockd, &m->vsock, &m->loop, s->vsock_fd, s->vsock_messages_fd,
		    s->vsock_path);
	vsock_init(&m->vsock, &m->vm.mem, s->guest_cid, &m->vsockd.host, m->vsock_buffers);
	rc = slot_open(&m->vsock_slot, &m->vsock.dev, CLASS_OTHER_NETWORK, window_of(SLOT_VSOCK),
		       &m->vm, &m->loop);
	if (rc == 0)
		rc = vsockd_start(&m->vsockd);
	if (rc < 0)
		return err_set(e, rc, "make the socket device: %s", strerror(-rc));
	m->pci.slot[SLOT_VSOCK] = &m->vsock_slot.pci;
	return 0;
}

static int add_hvc(struct machine *m, struct err *e)
{
	int rc;

	hvcd_attach(&m->hvcd, &m->vm.mem, &m->line);
	rc = slot_open(&m->hvc_slot, &m->hvcd.console.dev, CLASS_OTHER, window_of(SLOT_HVC), &m->vm,
		       &m->loop);
	if (rc < 0)
		return err_set(e, rc, "make the console device: %s", strerror(-rc));
	m->pci.slot[SLOT_HVC] = &m->hvc_slot.pci;
	return 0;
}

static int add_rng(struct machine *m, struct err *e)
{
	int rc;

	rng_init(&m->rng, &m->vm.mem);
	rc = slot_open(&m->rng_slot, &m->rng.dev, CLASS_OTHER, window_of(SLOT_RNG), &m->vm, &m->loop);
	if (rc < 0)
		return err_set(e, rc, "make the entropy device: %s", strerror(-rc));
	m->pci.slot[SLOT_RNG] = &m->rng_slot.pci;
	return 0;
}

/* None where memory is to be there whatever happens: it would take away what the host has set aside. */
static int add_balloon(struct machine *m, const struct spec *s, struct err *e)
{
	int rc;

	if (s->memory & (SPEC_MEMORY_RESERVED | SPEC_MEMORY_PREFAULT))
		return 0;
	balloon_init(&m->balloon, &m->vm.mem, s->balloon_bytes);
	rc = slot_open(&m->balloon_slot, &m->balloon.dev, CLASS_OTHER, window_of(SLOT_BALLOON),
		       &m->vm, &m->loop);
	if (rc < 0)
		return err_set(e, rc, "make the balloon device: %s", strerror(-rc));
	m->pci.slot[SLOT_BALLOON] = &m->balloon_slot.pci;
	return 0;
}

_Static_assert(SPEC_SERIAL_MAX == (int)BLK_SERIAL, "virtio 1.2 section 5.2.6");
_Static_assert(SLOT_NIC + (int)SPEC_NICS_MAX <= (int)SLOT_DISK, "each has its place");
_Static_assert(SLOT_DISK + (int)SPEC_DISKS_MAX <= (int)PCI_SLOTS, "a bus has so many");

static void disk_failed(struct blk_host *h, enum disk_op op, int rc)
{
	static const uint8_t works[] = {
		[DISK_READ] = VMM_READ,	   [DISK_WRITE] = VMM_WRITE, [DISK_FLUSH] = VMM_FLUSH,
		[DISK_FREE] = VMM_DISCARD, [DISK_ZERO] = VMM_ZERO,
	};
	struct machine_disk *d = CONTAINER(h, struct machine_disk, diskd.host);
	struct vmm_trouble t = { (uint8_t)(d - d->machine->disk), works[op], (uint32_t)-rc };

	if (d->machine->disk_failed)
		d->machine->disk_failed(&t);
}

static int lay_over(struct machine_disk *d, int delta, struct err *e)
{
	int rc = layover_open(&d->overlay, d->disk.fd, delta, d->disk.bytes);

	if (rc < 0)
		return err_set(e, rc, "disk %s: open its overlay: %s", d->name,
			       rc == -EPROTO ? "it is none of this disk's" : strerror(-rc));
	disk_lay_over(&d->disk, &d->overlay);
	return 0;
}

static int add_disk(struct machine *m, unsigned i, const struct spec_disk *s, struct err *e)
{
	struct machine_disk *d = &m->disk[i];
	int rc;

	d->machine = m;
	snprintf(d->name, sizeof(d->name), "vd%c", 'a' + (char)i);
	rc = disk_open(&d->disk, s->fd, s->readonly);
	if (rc < 0)
		return err_set(e, rc, "disk %s: open its file: %s", d->name, strerror(-rc));
	if (s->overlay_fd >= 0 && lay_over(d, s->overlay_fd, e) < 0)
		return e->code;
	d->diskd.host.failed = disk_failed;
	blk_init(&d->blk, &m->vm.mem, &d->disk, d->name, s->serial, &d->diskd.host);
	rc = diskd_start(&d->diskd, &d->blk, &d->disk, s, &m->loop);
	if (rc < 0 && s->aio == SPEC_AIO_IO_URING && d->diskd.ring.fd < 0)
		return err_set(e, rc, "disk %s: aio=io_uring: this host's kernel gives none: %s; aio=threads "
				      "does without", d->name, strerror(-rc));
	if (rc == 0)
		rc = slot_open(&d->slot, &d->blk.dev, CLASS_OTHER_STORAGE, window_of(SLOT_DISK + i),
			       &m->vm, &m->loop);
	if (rc < 0)
		return err_set(e, rc, "disk %s: make the device: %s", d->name, strerror(-rc));
	m->pci.slot[SLOT_DISK + i] = &d->slot.pci;
	return 0;
}

static int add_nic(struct machine *m, unsigned i, const struct spec_nic *s, struct err *e)
{
	struct machine_nic *n = &m->nic[i];
	int rc;

	snprintf(n->name, sizeof(n->name), "eth%c", '0' + (char)i);
	net_init(&n->net, &m->vm.mem, s->mac, s->mtu, s->kind == SPEC_NIC_TAP, &n->netd.host);
	rc = netd_start(&n->netd, &n->net, s, n->name, &n->slot, &m->loop);
	if (rc == 0)
		rc = slot_open(&n->slot, &n->net.dev, CLASS_ETHERNET, window_of(SLOT_NIC + i), &m->vm,
			       &m->loop);
	if (rc < 0)
		return err_set(e, rc, "nic %s: make the device: %s", n->name, strerror(-rc));
	m->pci.slot[SLOT_NIC + i] = &n->slot.pci;
	return 0;
}

static int add_devices(struct machine *m, const struct spec *s, struct err *e)
{
	int rc;

	rc = add_legacy(m, s, e);
	if (rc < 0)
		return rc;
	pcihost_attach(&m->pci, &m->shared.memory, &m->shared.ports);
	if (s->vsock_fd >= 0)
		rc = add_vsock(m, s, e);
	if (rc == 0)
		rc = add_rng(m, e);
	if (rc == 0 && s->has_hvc)
		rc = add_hvc(m, e);
	if (rc == 0)
		rc = add_balloon(m, s, e);
	for (unsigned i = 0; i < s->ndisks && rc == 0; i++)
		rc = add_disk(m, i, &s->disk[i], e);
	for (unsigned i = 0; i < s->nnics && rc == 0; i++)
		rc = add_nic(m, i, &s->nic[i], e);
	return rc;
}

static int add_cpus(struct machine *m, unsigned cpus, struct err *e)
{
	int most = vm_cap(&m->vm, KVM_CAP_MAX_VCPUS);
	int rc;

	if (most > 0 && cpus > (unsigned)most)
		return err_set(e, -EINVAL, "cpus: %u are more than this host's KVM takes (%d)",
			       cpus, most);
	rc = cpuid_load(&m->cpuid, m->vm.kvm);
	if (rc < 0)
		return err_set(e, rc, "ask /dev/kvm for CPU features: %s", strerror(-rc));
	for (unsigned i = 0; i < cpus; i++) {
		cpuid_for_vcpu(&m->cpuid, i, cpus);
		rc = vcpu_open(&m->vcpu[i], &m->vm, i, &m->cpuid, &m->shared, e);
		m->cpus = i + 1;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What the guest begins with, and where. */
struct load {
	const struct spec *spec;
	gpa_t entry;
};

static int fill_memory(const struct gmem *mem, void *arg, struct err *e)
{
	struct load *l = arg;
	const struct spec *s = l->spec;
	struct kernel kernel;
	struct initrd initrd;
	int64_t rsdp;
	int rc;

	if (boot_write_tables(mem) < 0 || boot_write_bios_entry(mem) < 0)
		return err_set(e, -ENOMEM, "memory: too little to start a kernel");
	rc = load_kernel(mem, s->kernel_fd, &kernel, e);
	if (rc == 0)
		rc = load_initrd(mem, &kernel, s->initrd_fd, s->ninitrds, &initrd, e);
	if (rc < 0)
		return rc;
	log_debug("load: kernel %#llx-%#llx, initrd %llu bytes", (unsigned long long)kernel.start,
		  (unsigned long long)kernel.end, (unsigned long long)initrd.len);
	l->entry = kernel.entry;
	rc = seed_write(mem);
	if (rc < 0)
		return err_set(e, rc, "draw the guest's random seed: %s", strerror(-rc));
	rsdp = acpi_write(mem, s->cpus);
	if (rsdp <= 0)
		return err_set(e, -ENOSPC, "cpus: no room for their ACPI tables");
	return boot_write_params(mem, &kernel, s->cmdline, &initrd, (gpa_t)rsdp, e);
}

struct trial {
	const struct gmem *mem;
	long us; /* what it took */
};

/* The probe runs on the very vCPU that will boot: no second VM, a few microseconds. */
static int try_kvm(struct vcpu *c, void *arg, struct err *e)
{
	struct trial *t = arg;

	t->us = probe_run(t->mem, c->fd, c->run, e);
	return t->us < 0 ? (int)t->us : 0;
}

static int ready_boot_cpu(struct machine *m, gpa_t entry, int any_kvm, struct err *e)
{
	struct trial trial = { .mem = &m->vm.mem };
	int rc = vcpu_start(&m->vcpu[0], try_kvm, &trial, e);

	if (rc == 0 && !any_kvm)
		rc = probe_judge(trial.us, e);
	if (rc < 0)
		return rc;
	log_debug("kvm: runs a guest's kernel mode (%ld us)", trial.us);
	rc = boot_set_registers(m->vcpu[0].fd, entry);
	return rc < 0 ? err_set(e, rc, "set the CPU's registers: %s", strerror(-rc)) : 0;
}

void machine_look_out(struct machine *m, const struct spec *s)
{
	for (unsigned i = 0; i < s->nnics; i++)
		netd_look_out(&m->nic[i].netd, &s->nic[i]);
}

int machine_open(struct machine *m, const struct spec *s, struct err *e)
{
	struct load load = { .spec = s };
	int rc;

	m->vm = VM_NONE;
	m->loop = LOOP_INIT;
	m->loop.signalled = signalled;
	m->shared.died = vcpu_died;
	m->shared.stands = vcpu_stands;
	pthread_mutex_init(&m->shared.lock, NULL);
	pthread_cond_init(&m->shared.resume, NULL);
	rc = loop_open(&m->loop);
	if (rc < 0)
		return err_set(e, rc, "open the event loop: %s", strerror(-rc));
	rc = vm_open(&m->vm, s->kvm_fd, s->memory_bytes, s->memory, fill_memory, &load, e);
	log_debug("kvm: a VM with %llu MiB", (unsigned long long)s->memory_bytes >> 20);
	if (rc == 0)
		rc = add_cpus(m, s->cpus, e);
	log_debug("kvm: %u virtual CPUs", m->cpus);
	if (rc == 0)
		rc = ready_boot_cpu(m, load.entry, s->any_kvm, e);
	if (rc == 0)
		rc = add_devices(m, s, e);
	return rc;
}

/* --- the run -------------------------------------------------------------------------------- */

static void turn(struct machine *m)
{
	loop_wait(&m->loop);
	pthread_mutex_lock(&m->shared.lock);
	loop_dispatch(&m->loop);
	pthread_mutex_unlock(&m->shared.lock);
}

static void stop_cpus(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++)
		vcpu_kick(&m->vcpu[i]);
	pthread_mutex_lock(&m->shared.lock);
	pthread_cond_broadcast(&m->shared.resume);
	pthread_mutex_unlock(&m->shared.lock);
	for (unsigned i = 0; i < m->cpus; i++)
		vcpu_join(&m->vcpu[i]);
}

static void drain_over(struct timer *t)
{
	t->due = NULL;
}

/* The guest powered off right after its last words: they are still in its transmit queue, or
 * wait for a host client that reads slowly. */
static int has_more_to_say(struct machine *m)
{
	int left = m->pci.slot[SLOT_VSOCK] ? vsock_drain(&m->vsock) : 0;

	return m->line.ear ? left | consoled_drain(&m->consoled) : left;
}

static void drain(struct machine *m)
{
	struct timer over = { .due = drain_over };

	conline_flush(&m->line);
	loop_after(&m->loop, &over, DRAIN_MS);
	while (has_more_to_say(m) && over.due)
		turn(m);
	loop_cancel(&m->loop, &over);
}

int machine_run(struct machine *m, void (*running)(void *arg), void *arg, struct err *e)
{
	int rc = 0;

	for (unsigned i = 1; i < m->cpus && rc == 0; i++)
		rc = vcpu_start(&m->vcpu[i], NULL, NULL, e);
	if (rc < 0)
		return rc;
	/* No guest runs before everybody is in his sandbox. */
	sandbox_enter(SANDBOX_LOOP);
	vcpu_go(&m->shared);
	log_debug("running");
	running(arg);
	/* end.reason is written under the lock on other threads; `stop` is its flag. */
	while (!atomic_load(&m->shared.stop))
		turn(m);
	stop_cpus(m);
	drain(m);
	for (unsigned i = 0; i < COUNT(m->disk); i++)
		diskd_stop(&m->disk[i].diskd); /* what the guest wrote is written */
	return 0;
}

void machine_close(struct machine *m)
{
	atomic_store(&m->shared.stop, 1);
	stop_cpus(m); /* which have not run, if it could not be built */
	if (m->line.linger.ready)
		conline_close(&m->line);
	for (unsigned i = 0; i < m->cpus; i++)
		vcpu_close(&m->vcpu[i]);
	vm_close(&m->vm);
}
