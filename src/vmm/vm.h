/*
 * vm - a KVM virtual machine: RAM, interrupt routing, and what wakes us without an exit.
 *
 * Documentation/virt/kvm/api.rst of the kernel is the source of every rule here. Set-up happens
 * before the vCPUs run, on one thread but for what the memory is filled with; routing and ioeventfds may change later, under the
 * machine's lock.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "virtio/gmem.h"
#include "vmm/layout.h"

enum {
	VM_PINS = 24, /* of the IOAPIC */
	VM_MSIS = 64, /* messages all devices together may have */
};

struct vm {
	int kvm; /* borrowed: /dev/kvm */
	int fd;	 /* owned */
	struct gmem mem;
	void *map; /* owned: the mapping behind mem */
	size_t map_len;
	uint8_t *area;	 /* in it: guest address 0 */
	uint32_t memory; /* how it is kept */
	size_t run_len; /* bytes of a vCPU's struct kvm_run */
	unsigned nmsis;
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[VM_PINS + VM_MSIS];
	} routing;
};

#define VM_NONE ((struct vm){ .kvm = -1, .fd = -1 })

/* Puts into the guest's memory what it is to begin with. 0, or negative with *e filled. */
typedef int vm_fill(const struct gmem *mem, void *arg, struct err *e);

/* Creates the VM with memory_bytes of RAM (whole pages), kept as `memory` says (SPEC_MEMORY_...), and the
 * in-kernel interrupt chips. `fill` is called on another thread meanwhile, for KVM waits for the host's RCU before a VM
 * is there, some milliseconds; or NULL. 0, or negative with *e filled. */
int vm_open(struct vm *vm, int kvm, uint64_t memory_bytes, uint32_t memory, vm_fill *fill, void *arg, struct err *e);
void vm_close(struct vm *vm);

/* A message's global system interrupt, to be routed later; negative when there are no more. */
int vm_msi_alloc(struct vm *vm);

/* From now on the interrupt means this message. 0 or a negative errno. */
int vm_msi_route(struct vm *vm, int gsi, uint64_t address, uint32_t data);

/* Writing to eventfd raises the interrupt (edge); or no longer, and what is written then does once it is on
 * again. 0 or a negative errno. */
int vm_irqfd(struct vm *vm, int gsi, int eventfd, int on);

/* Guest writes of any size to the address signal eventfd and do not exit; or no longer. */
int vm_ioeventfd(struct vm *vm, gpa_t at, int eventfd, int on);

/* The machine's number from KVM_CHECK_EXTENSION. */
int vm_cap(const struct vm *vm, int cap);

#endif
