/*
 * vm - a KVM virtual machine: RAM, interrupt routing, and what wakes us without an exit.
 */
#include "vmm/vm.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/util.h"
#include "proto/spec.h"
#include "vmm/ioctl.h"

enum { HUGE_BYTES = 2 << 20 };

/* Of <linux/mman.h> and a kernel's headers that are newer than some libc. */
#define HUGE_2MB (21 << 26)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int vm_cap(const struct vm *vm, int cap)
{
	return kvm_ioctl(vm->kvm, KVM_CHECK_EXTENSION, (unsigned long)cap);
}

static int check_kvm(const struct vm *vm, struct err *e)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_IRQCHIP, "an in-kernel interrupt controller" },
		{ KVM_CAP_USER_MEMORY, "user memory regions" },
		{ KVM_CAP_SET_TSS_ADDR, "KVM_SET_TSS_ADDR" },
		{ KVM_CAP_EXT_CPUID, "extended CPUID" },
		{ KVM_CAP_IRQFD, "irqfd" },
		{ KVM_CAP_IOEVENTFD, "ioeventfd" },
		{ KVM_CAP_IOEVENTFD_ANY_LENGTH, "ioeventfd of any length" },
		{ KVM_CAP_SIGNAL_MSI, "MSI" },
		{ KVM_CAP_IMMEDIATE_EXIT, "immediate_exit" },
		{ KVM_CAP_TSC_DEADLINE_TIMER, "the TSC deadline timer" },
	};
	int version = kvm_ioctl(vm->kvm, KVM_GET_API_VERSION, 0);

	if (version < 0)
		return err_sys(e, "/dev/kvm does not answer");
	if (version != KVM_API_VERSION)
		return err_set(e, -ENOTSUP,
			       "/dev/kvm speaks API version %d, not %d"
			       "\n  try: a kernel on the host that is newer than 2.6.22 (uname -r)",
			       version, KVM_API_VERSION);
	for (unsigned i = 0; i < COUNT(needed); i++)
		if (vm_cap(vm, needed[i].cap) <= 0)
			return err_set(e, -ENOTSUP,
				       "/dev/kvm lacks %s\n  try: a newer kernel on the host (uname -r), "
				       "or a processor that is newer",
				       needed[i].name);
	return 0;
}

/* Reserved when it is mapped: a guest never meets a page that is missing. */
static int map_reserved(uint8_t *at, uint64_t len, struct err *e)
{
	void *got = mmap(at, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB | HUGE_2MB, -1, 0);

	if (got != MAP_FAILED)
		return 0;
	return err_set(e, -errno,
		       "memory: the host has not set aside %" PRIu64
		       " free huge pages of 2 MiB for it\n  try: sysctl -w vm.nr_hugepages=%" PRIu64,
		       len / HUGE_BYTES, len / HUGE_BYTES);
}

/* All pages, now. */
static int prefault(uint8_t *at, uint64_t len, struct err *e)
{
	int rc;

	do
		rc = madvise(at, len, MADV_POPULATE_WRITE);
	while (rc < 0 && (errno == EINTR || errno == EAGAIN));
	if (rc < 0 && errno != EINVAL)
		return err_sys(e, "memory: take %" PRIu64 " MiB of the host's at once", len >> 20);
	/* Before Linux 5.14. */
	for (uint64_t i = 0; rc < 0 && i < len; i += 4096)
		*(volatile uint8_t *)(at + i) = 0;
	return 0;
}

static int add_region(struct vm *vm, unsigned slot, gpa_t at, uint64_t len, struct err *e)
{
	if (len == 0)
		return 0;
	if (vm->memory & SPEC_MEMORY_RESERVED) {
		if (map_reserved(vm->area + at, len, e) < 0)
			return e->code;
	} else {
		if (mprotect(vm->area + at, len, PROT_READ | PROT_WRITE) < 0)
			return err_sys(e, "map %" PRIu64 " MiB of guest memory", len >> 20);
		/* Fewer faults while the guest first touches its memory. */
		madvise(vm->area + at, len,
			vm->memory & SPEC_MEMORY_SMALL ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	}
	if (vm->memory & SPEC_MEMORY_PREFAULT && prefault(vm->area + at, len, e) < 0)
		return e->code;
	vm->mem.region[slot] = (struct gmem_region){ at, len, vm->area + at };
	return 0;
}

/* Host address = area + guest address, with the hole left unmapped: an address that slips through a
 * check faults instead of reading somebody's bytes. A huge page of the host's is one of the guest's only
 * where both begin together. */
static int map_memory(struct vm *vm, uint64_t bytes, struct err *e)
{
	uint64_t low = MIN(bytes, GPA_HOLE);
	uint64_t high = bytes - low;
	int rc;

	vm->map_len = (high ? GPA_HIGH + high : low) + HUGE_BYTES;
	vm->map = mmap(NULL, vm->map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->map == MAP_FAILED) {
		vm->map = NULL;
		return err_sys(e, "map %" PRIu64 " MiB of guest memory", bytes >> 20);
	}
	vm->area = (uint8_t *)ALIGN_UP((uintptr_t)vm->map, (uintptr_t)HUGE_BYTES);
	rc = add_region(vm, 0, 0, low, e);
	return rc < 0 ? rc : add_region(vm, 1, GPA_HIGH, high, e);
}

static int give_memory(const struct vm *vm, struct err *e)
{
	for (unsigned i = 0; i < COUNT(vm->mem.region); i++) {
		const struct gmem_region *g = &vm->mem.region[i];
		struct kvm_userspace_memory_region r = {
			.slot = i,
			.guest_phys_addr = g->at,
			.memory_size = g->len,
			.userspace_addr = (uintptr_t)g->host,
		};

		if (g->len && kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) < 0)
			return err_sys(e, "give the guest %" PRIu64 " MiB of memory", g->len >> 20);
	}
	return 0;
}

/* KVM replaces the whole table at each call, so the IOAPIC's pins are spelled out. Its own first table has them at
 * the PIC, too: a guest that knows of none would have each interrupt twice, once as an exception's number. */
static void default_routing(struct vm *vm)
{
	struct kvm_irq_routing *r = &vm->routing.head;

	for (unsigned pin = 0; pin < VM_PINS; pin++)
		vm->routing.entry[r->nr++] = (struct kvm_irq_routing_entry){
			.gsi = pin,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = pin },
		};
}

static int create(struct vm *vm, struct err *e)
{
	uint64_t identity = GPA_IDENTITY;

	do
		vm->fd = kvm_ioctl(vm->kvm, KVM_CREATE_VM, 0);
	while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0 && errno == EBUSY)
		return err_set(e, -EBUSY,
			       "/dev/kvm creates no VM: another hypervisor holds the processor"
			       "\n  try: lsmod | grep -e vbox -e vmmon, and unload what that shows");
	if (vm->fd < 0)
		return err_sys(e, "/dev/kvm creates no VM");
	if (kvm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    kvm_ioctl(vm->fd, KVM_SET_TSS_ADDR, GPA_TSS) < 0 ||
	    kvm_ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0 ||
	    kvm_ioctl(vm->fd, KVM_SET_GSI_ROUTING, &vm->routing.head) < 0)
		return err_sys(e, "/dev/kvm makes no interrupt controller");
	return 0;
}

/* The guest's memory, and what it begins with. */
struct filling {
	struct vm *vm;
	uint64_t bytes;
	vm_fill *fill;
	void *arg;
	int rc;
	struct err e;
};

static void *run_filling(void *arg)
{
	struct filling *f = arg;

	f->rc = map_memory(f->vm, f->bytes, &f->e);
	if (f->rc == 0 && f->fill)
		f->rc = f->fill(&f->vm->mem, f->arg, &f->e);
	return NULL;
}

/* KVM's sentence counts, if there are two. */
static int create_and_fill(struct vm *vm, struct filling *f, struct err *e)
{
	pthread_t thread;
	int rc = f->fill ? pthread_create(&thread, NULL, run_filling, f) : EAGAIN;

	if (rc == 0) {
		rc = create(vm, e);
		pthread_join(thread, NULL);
	} else {
		rc = create(vm, e);
		if (rc == 0)
			run_filling(f);
	}
	if (rc == 0 && f->rc < 0) {
		*e = f->e;
		rc = f->rc;
	}
	return rc;
}

int vm_open(struct vm *vm, int kvm, uint64_t memory_bytes, uint32_t memory, vm_fill *fill, void *arg, struct err *e)
{
	struct filling f = { .vm = vm, .bytes = memory_bytes, .fill = fill, .arg = arg };
	int rc;

	*vm = VM_NONE;
	vm->kvm = kvm;
	vm->memory = memory;
	rc = check_kvm(vm, e);
	if (rc < 0)
		return rc;
	vm->run_len = (size_t)kvm_ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	default_routing(vm);
	rc = create_and_fill(vm, &f, e);
	if (rc == 0)
		rc = give_memory(vm, e);
	if (rc < 0)
		vm_close(vm);
	return rc;
}

void vm_close(struct vm *vm)
{
	fd_close(&vm->fd);
	if (vm->map)
		munmap(vm->map, vm->map_len);
	*vm = VM_NONE;
}

int vm_msi_alloc(struct vm *vm)
{
	if (vm->nmsis == VM_MSIS)
		return -ENOSPC;
	return GSI_MSI + (int)vm->nmsis++;
}

int vm_msi_route(struct vm *vm, int gsi, uint64_t address, uint32_t data)
{
	struct kvm_irq_routing *r = &vm->routing.head;
	struct kvm_irq_routing_entry e = {
		.gsi = (uint32_t)gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = (uint32_t)address,
			   .address_hi = (uint32_t)(address >> 32),
			   .data = data },
	};
	struct kvm_irq_routing_entry *at = NULL;

	for (unsigned i = VM_PINS; i < r->nr && !at; i++)
		if (vm->routing.entry[i].gsi == e.gsi)
			at = &vm->routing.entry[i];
	if (!at)
		at = &vm->routing.entry[r->nr++];
	else if (at->u.msi.address_lo == e.u.msi.address_lo &&
		 at->u.msi.address_hi == e.u.msi.address_hi && at->u.msi.data == e.u.msi.data)
		return 0; /* each call waits for an RCU grace period */
	*at = e;
	return kvm_ioctl(vm->fd, KVM_SET_GSI_ROUTING, r) < 0 ? -errno : 0;
}

int vm_irqfd(struct vm *vm, int gsi, int eventfd, int on)
{
	struct kvm_irqfd i = {
		.fd = (uint32_t)eventfd,
		.gsi = (uint32_t)gsi,
		.flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return kvm_ioctl(vm->fd, KVM_IRQFD, &i) < 0 ? -errno : 0;
}

int vm_ioeventfd(struct vm *vm, gpa_t at, int eventfd, int on)
{
	struct kvm_ioeventfd i = {
		.addr = at,
		.len = 0, /* any */
		.fd = eventfd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return kvm_ioctl(vm->fd, KVM_IOEVENTFD, &i) < 0 ? -errno : 0;
}
