/*
 * machine - the board: which devices there are, where, and how a run of it ends.
 *
 * One thread runs the loop and all devices, one thread runs each vCPU. Everything the devices own
 * is touched under shared.lock only; guest RAM, eventfds and that lock are all that crosses.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "base/loop.h"
#include "proto/spec.h"
#include "virtio/balloon.h"
#include "virtio/overlay.h"
#include "virtio/rng.h"
#include "vmm/cmos.h"
#include "vmm/consoled.h"
#include "vmm/diskd.h"
#include "vmm/hvcd.h"
#include "vmm/netd.h"
#include "vmm/pcihost.h"
#include "vmm/power.h"
#include "vmm/serial.h"
#include "vmm/slot.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/vsockd.h"

struct machine;

struct machine_disk {
	struct machine *machine;
	char name[4]; /* as Linux will call it: vda */
	struct slot slot;
	struct disk disk;
	struct overlay overlay; /* where it has one */
	struct blk blk;
	struct diskd diskd;
};

struct machine_nic {
	char name[5]; /* as Linux will call it, unless it is told otherwise: eth0 */
	struct slot slot;
	struct net net;
	struct netd netd;
};

struct machine {
	struct vm vm;
	struct loop loop;
	struct vcpu_shared shared;
	struct cpuid cpuid;
	struct vcpu vcpu[SPEC_CPUS_MAX];
	unsigned cpus;

	struct power power;
	struct cmos cmos;
	struct conline line; /* what the guest says */
	struct serial serial;
	struct slot hvc_slot;
	struct hvcd hvcd; /* where the console is a virtio device */
	struct consoled consoled; /* where somebody may come */
	int serial_irqfd; /* owned */
	int button_irqfd; /* owned: the power button */
	struct pcihost pci;
	struct slot vsock_slot;
	struct vsock vsock;
	struct vsockd vsockd;
	void *vsock_buffers; /* owned mapping */
	struct slot rng_slot;
	struct rng rng;
	struct slot balloon_slot;
	struct balloon balloon;
	struct machine_disk disk[SPEC_DISKS_MAX];
	struct machine_nic nic[SPEC_NICS_MAX];

	/* NULL: nobody wants to know. */
	void (*pause_changed)(int paused);
	void (*continued)(void); /* this process was stopped, and goes on */
	void (*disk_failed)(const struct vmm_trouble *t); /* NULL: nobody wants to know */

	struct vmm_exit end; /* reason 0 while it runs */
	char end_text[VMM_TEXT_MAX];
};

/* What is to be had of the host only as long as the process is in none but its namespaces. */
void machine_look_out(struct machine *m, const struct spec *s);

/* Builds the board and puts the kernel in place; nothing runs. `m` is zeroed memory that has looked out and must not
 * move afterwards. 0, or negative with *e filled. */
int machine_open(struct machine *m, const struct spec *s, struct err *e);

/* The loop's thread becomes the machine's. Returns when the run has ended and the guest's last
 * bytes have reached the host; m->end says how. `running` is called once all vCPUs run. */
int machine_run(struct machine *m, void (*running)(void *arg), void *arg, struct err *e);

/* Processes end with it: only what outlives descriptors is seen to (the console's last line). */
void machine_close(struct machine *m);

#endif
